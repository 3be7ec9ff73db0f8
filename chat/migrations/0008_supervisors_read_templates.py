from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def let_supervisors_read_templates(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Supervisores see the gateway's templates and may ask for them again."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="whatsapp", model="template"
    )
    group = apps.get_model("auth", "Group").objects.get(name="Supervisores")
    for action in ("view", "change"):
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=f"{action}_template", defaults={"name": f"Can {action} template"}
        )
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("chat", "0007_notices_with_templates"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(let_supervisors_read_templates, migrations.RunPython.noop)]
