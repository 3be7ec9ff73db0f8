import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0006_messages_that_change_and_files"),
        ("whatsapp", "0004_templates_and_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="predefinedmessage",
            name="template",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="whatsapp.template",
                verbose_name="plantilla",
            ),
        ),
        migrations.AddField(
            model_name="predefinedmessage",
            name="template_values",
            field=models.TextField(blank=True, verbose_name="valores de la plantilla"),
        ),
    ]
