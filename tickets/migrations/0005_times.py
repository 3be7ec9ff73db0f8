import datetime

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def let_supervisors_keep_the_calendar(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # The group is made by chat, which this app knows nothing of: whoever comes first makes it.
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Supervisores")
    for model in ("openinghours", "holiday"):
        kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="tickets", model=model)
        for action in ("view", "add", "change", "delete"):
            permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
                content_type=kind, codename=f"{action}_{model}", defaults={"name": f"Can {action} {model}"}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0004_contacts_without_columns"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField(unique=True, verbose_name="fecha")),
                ("name", models.CharField(max_length=120, verbose_name="nombre")),
            ],
            options={
                "verbose_name": "día festivo",
                "verbose_name_plural": "días festivos",
                "ordering": ["date"],
            },
        ),
        migrations.CreateModel(
            name="OpeningHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("monday", models.BooleanField(default=False, verbose_name="lunes")),
                ("tuesday", models.BooleanField(default=False, verbose_name="martes")),
                ("wednesday", models.BooleanField(default=False, verbose_name="miércoles")),
                ("thursday", models.BooleanField(default=False, verbose_name="jueves")),
                ("friday", models.BooleanField(default=False, verbose_name="viernes")),
                ("saturday", models.BooleanField(default=False, verbose_name="sábado")),
                ("sunday", models.BooleanField(default=False, verbose_name="domingo")),
                ("start", models.TimeField(default=datetime.time(9, 0), verbose_name="desde")),
                (
                    "end",
                    models.TimeField(
                        default=datetime.time(18, 0),
                        help_text="0:00 es la medianoche con la que termina el día.",
                        verbose_name="hasta",
                    ),
                ),
            ],
            options={
                "verbose_name": "horario de atención",
                "verbose_name_plural": "horario de atención",
                "ordering": ["start", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="cuándo")),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("asistente", "Con el asistente"),
                            ("nosotros", "Espera respuesta nuestra"),
                            ("persona", "Espera a la persona"),
                            ("cerrado", "Cerrado"),
                        ],
                        max_length=10,
                        verbose_name="pasó a",
                    ),
                ),
                (
                    "before",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("asistente", "Con el asistente"),
                            ("nosotros", "Espera respuesta nuestra"),
                            ("persona", "Espera a la persona"),
                            ("cerrado", "Cerrado"),
                        ],
                        max_length=10,
                        verbose_name="antes",
                    ),
                ),
                ("since", models.DateTimeField(blank=True, null=True, verbose_name="desde")),
                (
                    "cause",
                    models.CharField(
                        choices=[("mensaje", "Un mensaje"), ("estado", "Un cambio de estado")],
                        max_length=10,
                        verbose_name="por",
                    ),
                ),
                ("seconds", models.PositiveBigIntegerField(default=0, verbose_name="segundos de atención")),
                (
                    "measure",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("primera", "Primera respuesta"),
                            ("siguientes", "Respuestas siguientes"),
                            ("resolucion", "Resolución"),
                        ],
                        max_length=10,
                        verbose_name="medida",
                    ),
                ),
                ("value", models.PositiveBigIntegerField(default=0, verbose_name="segundos medidos")),
                ("slot", models.PositiveSmallIntegerField(default=0)),
                ("calendar", models.PositiveIntegerField(db_index=True, default=0)),
            ],
            options={
                "verbose_name": "segmento de tiempo",
                "verbose_name_plural": "segmentos de tiempo",
            },
        ),
        migrations.AddField(
            model_name="ticket",
            name="first_wait",
            field=models.PositiveBigIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="open_seconds",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="ticket",
            name="our_seconds",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="ticket",
            name="phase",
            field=models.CharField(
                blank=True,
                choices=[
                    ("asistente", "Con el asistente"),
                    ("nosotros", "Espera respuesta nuestra"),
                    ("persona", "Espera a la persona"),
                    ("cerrado", "Cerrado"),
                ],
                editable=False,
                max_length=10,
                verbose_name="turno",
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="phase_since",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="turno desde"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(models.F("phase"), models.F("phase_since"), name="ticket_by_phase"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(models.F("created"), name="ticket_by_creation"),
        ),
        migrations.AddField(
            model_name="segment",
            name="technician",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="segment",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="segments",
                to="tickets.ticket",
                verbose_name="ticket",
            ),
        ),
        migrations.AddIndex(
            model_name="segment",
            index=models.Index(
                models.F("measure"),
                models.F("at"),
                models.F("value"),
                models.F("technician"),
                models.F("slot"),
                models.F("ticket"),
                name="segment_by_measure",
            ),
        ),
        migrations.RunPython(let_supervisors_keep_the_calendar, migrations.RunPython.noop),
    ]
