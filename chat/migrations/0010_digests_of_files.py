from django.db import migrations, models
from django.db.models import F


def forwards(apps, schema_editor):
    uploads = apps.get_model("chat", "Attachment").objects.filter(ref__startswith="sha256:")
    uploads.update(digest=F("ref"), ref="")


def backwards(apps, schema_editor):
    uploads = apps.get_model("chat", "Attachment").objects.exclude(digest="")
    uploads.update(ref=F("digest"))


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0009_where_messages_went"),
    ]

    operations = [
        migrations.AddField(
            model_name="attachment",
            name="digest",
            field=models.CharField(blank=True, editable=False, max_length=80, verbose_name="huella"),
        ),
        migrations.RunPython(forwards, backwards),
    ]
