"""The first tables."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="Airport",
            fields=[
                (
                    "icao",
                    models.CharField(
                        max_length=4,
                        primary_key=True,
                        serialize=False,
                        validators=[django.core.validators.RegexValidator("^[A-Z0-9_]{4}$")],
                    ),
                ),
                ("iata", models.CharField(blank=True, max_length=3)),
                ("name", models.CharField(max_length=100)),
                ("city", models.CharField(blank=True, max_length=60)),
                ("subdivision", models.CharField(blank=True, max_length=60)),
                (
                    "country",
                    models.CharField(
                        max_length=2,
                        validators=[django.core.validators.RegexValidator("^[A-Z]{2}$")],
                    ),
                ),
                ("elevation", models.FloatField(help_text="feet")),
                (
                    "lat",
                    models.FloatField(
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ]
                    ),
                ),
                (
                    "lon",
                    models.FloatField(
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ]
                    ),
                ),
                ("tz", models.CharField(max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("action", models.CharField(max_length=20)),
                ("subject", models.CharField(max_length=60)),
            ],
        ),
        migrations.CreateModel(
            name="CountryTally",
            fields=[
                ("country", models.CharField(max_length=2, primary_key=True, serialize=False)),
                ("airports", models.PositiveIntegerField(default=0)),
                (
                    "imported",
                    models.PositiveIntegerField(
                        default=0, help_text="how many came with the import"
                    ),
                ),
                ("seconds", models.FloatField(default=0, help_text="how long that took")),
            ],
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("icao", models.CharField(max_length=4, primary_key=True, serialize=False)),
                ("text", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Airfield",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("airports.airport",),
        ),
    ]
