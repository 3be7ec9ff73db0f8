from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0006_lists_in_their_order"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_by_openness",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_of",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_waiting",
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.Func(
                    "state",
                    output_field=models.IntegerField(),
                    template="CASE WHEN %(expressions)s IN ('Pendiente', 'En proceso', 'En espera') THEN 1 ELSE 0 END",
                ),
                models.OrderBy(models.F("last_activity"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("state"),
                name="ticket_by_openness",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("technician"),
                models.Func(
                    "state",
                    output_field=models.IntegerField(),
                    template="CASE WHEN %(expressions)s IN ('Pendiente', 'En proceso', 'En espera') THEN 1 ELSE 0 END",
                ),
                models.OrderBy(models.F("last_activity"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("state"),
                name="ticket_of",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.OrderBy(models.F("last_activity"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("waiting_since"),
                condition=models.Q(("waiting_since__isnull", False)),
                name="ticket_waiting",
            ),
        ),
    ]
