"""Create the inbox, for receivers in the background whose effects are in this database."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

from clarion.integrations.django.outbox.tables import CreateInbox

_INBOX = migrations.CreateModel(
    name="Inbox",
    fields=[
        (
            "pk",
            models.CompositePrimaryKey(
                "receiver", "uid", blank=True, editable=False, primary_key=True, serialize=False
            ),
        ),
        ("receiver", models.CharField(max_length=200)),
        ("uid", models.CharField(max_length=32)),
        ("received_at", models.BigIntegerField()),
    ],
    options={"db_table": "clarion_inbox", "default_permissions": ()},
)


class Migration(migrations.Migration):
    """The table is created by the outbox's own statements, as in the first migration."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("clarion_outbox", "0001_initial")]
    operations: ClassVar[list[Any]] = [
        migrations.SeparateDatabaseAndState(
            database_operations=[CreateInbox()], state_operations=[_INBOX]
        )
    ]
