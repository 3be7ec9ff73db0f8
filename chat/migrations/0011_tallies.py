from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0010_digests_of_files")]

    operations = [
        migrations.AddField(model_name="worker", name="streams", field=models.PositiveIntegerField(null=True)),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                ("label", models.CharField(max_length=40)),
                ("part", models.CharField(max_length=10)),
                ("value", models.FloatField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("name"), models.F("label"), models.F("part"), name="one_tally")
                ]
            },
        ),
    ]
