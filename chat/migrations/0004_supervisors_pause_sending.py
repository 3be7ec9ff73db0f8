from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def let_supervisors_pause(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Supervisores may pause and resume sending."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="whatsapp", model="connection"
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename="change_connection", defaults={"name": "Can change connection"}
    )
    apps.get_model("auth", "Group").objects.get(name="Supervisores").permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_pause_and_evidence"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(let_supervisors_pause, migrations.RunPython.noop)]
