import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def let_supervisors_read_the_audit(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="chat", model="auditentry")
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename="view_auditentry", defaults={"name": "Can view acto"}
    )
    apps.get_model("auth", "Group").objects.get(name="Supervisores").permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0012_notifications"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="cuándo")),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="cuenta")),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("entrada", "Entró"),
                            ("salida", "Salió"),
                            ("entrada_fallida", "No pudo entrar"),
                            ("bloqueo", "Quedó bloqueado"),
                            ("contrasena", "Cambió su contraseña"),
                            ("alta", "Agregó"),
                            ("cambio", "Cambió"),
                            ("baja", "Borró"),
                            ("toma", "Tomó el ticket"),
                            ("estado", "Cambió el estado"),
                            ("decision", "Decidió sobre un mensaje"),
                            ("exportacion", "Exportó"),
                            ("importacion", "Importó"),
                        ],
                        max_length=20,
                        verbose_name="qué hizo",
                    ),
                ),
                ("kind", models.CharField(blank=True, max_length=60, verbose_name="tipo")),
                ("object_id", models.CharField(blank=True, max_length=40, verbose_name="número")),
                ("object", models.CharField(blank=True, max_length=200, verbose_name="en qué")),
                ("detail", models.TextField(blank=True, verbose_name="detalle")),
                ("address", models.CharField(blank=True, max_length=45, verbose_name="desde")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="quién",
                    ),
                ),
            ],
            options={
                "verbose_name": "acto de auditoría",
                "verbose_name_plural": "actos de auditoría",
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="audit_by_time",
                    ),
                    models.Index(models.F("kind"), models.F("object_id"), name="audit_of_object"),
                ],
            },
        ),
        migrations.RunPython(let_supervisors_read_the_audit, migrations.RunPython.noop),
    ]
