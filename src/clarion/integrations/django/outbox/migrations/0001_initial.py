"""Create the tables of the outbox."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

from clarion.integrations.django.outbox.tables import CreateOutbox


def _key(*names: str) -> Any:
    return models.CompositePrimaryKey(
        *names, blank=True, editable=False, primary_key=True, serialize=False
    )


def _event() -> Any:
    return models.ForeignKey(
        db_column="event",
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
        to="clarion_outbox.event",
    )


def _columns() -> list[tuple[str, Any]]:
    return [
        ("receiver", models.CharField(max_length=200)),
        ("key", models.CharField(max_length=255, null=True)),
        ("part", models.IntegerField(null=True)),
        ("failures", models.IntegerField()),
    ]


_MODELS = [
    migrations.CreateModel(
        name="Event",
        fields=[
            ("uid", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ("signal", models.CharField(max_length=200)),
            ("version", models.IntegerField()),
            ("payload", models.BinaryField()),
            ("headers", models.TextField()),
            ("created_at", models.BigIntegerField()),
        ],
        options={"db_table": "clarion_event", "default_permissions": ()},
    ),
    migrations.CreateModel(
        name="Delivery",
        fields=[
            *_columns(),
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ("visible_at", models.BigIntegerField()),
            ("attempt", models.IntegerField()),
            ("error", models.TextField(null=True)),
            ("event", _event()),
        ],
        options={
            "db_table": "clarion_delivery",
            "default_permissions": ("view",),
            "verbose_name": "waiting delivery",
            "verbose_name_plural": "waiting deliveries",
        },
    ),
    migrations.CreateModel(
        name="Dead",
        fields=[
            *_columns(),
            ("id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("error", models.TextField()),
            ("died_at", models.BigIntegerField()),
            ("event", _event()),
        ],
        options={
            "db_table": "clarion_dead",
            "default_permissions": ("view", "change", "delete"),
            "verbose_name": "dead delivery",
            "verbose_name_plural": "dead deliveries",
        },
    ),
    migrations.CreateModel(
        name="Partition",
        fields=[
            ("pk", _key("receiver", "part")),
            ("receiver", models.CharField(max_length=200)),
            ("part", models.IntegerField()),
            ("epoch", models.BigIntegerField()),
            ("leased_until", models.BigIntegerField()),
        ],
        options={"db_table": "clarion_partition", "default_permissions": ()},
    ),
    migrations.CreateModel(
        name="Blocked",
        fields=[
            ("pk", _key("receiver", "key")),
            ("receiver", models.CharField(max_length=200)),
            ("key", models.CharField(max_length=255)),
            ("until", models.BigIntegerField(null=True)),
        ],
        options={"db_table": "clarion_blocked", "default_permissions": ()},
    ),
]


class Migration(migrations.Migration):
    """The first tables. Django's state gets the models, and the database gets the outbox's own tables."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[Any]] = [
        migrations.SeparateDatabaseAndState(
            database_operations=[CreateOutbox()], state_operations=_MODELS
        )
    ]
