from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0002_pause_and_evidence"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookevent",
            name="tries",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="intentos"),
        ),
    ]
