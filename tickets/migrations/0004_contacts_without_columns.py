from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tickets", "0003_aliases_from_columns")]

    operations = [
        migrations.RemoveField(
            model_name="contact",
            name="bsuid",
        ),
        migrations.RemoveField(
            model_name="contact",
            name="lid",
        ),
        migrations.RemoveField(
            model_name="contact",
            name="phone",
        ),
    ]
