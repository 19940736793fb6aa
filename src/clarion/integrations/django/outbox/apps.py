"""The Django app with the tables, the commands, the admin and the checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import pre_migrate

from clarion._core.commands import offer_commands
from clarion.integrations.django.outbox.checks import register_checks
from clarion.integrations.django.outbox.tables import LABEL, create_unmigrated


class OutboxConfig(AppConfig):
    """The configuration of the app that stores deliveries."""

    name = "clarion.integrations.django.outbox"
    label = LABEL
    verbose_name = "Clarion outbox"

    def ready(self) -> None:
        """Register the checks, and the tables of a test database without migrations."""
        offer_commands("manage.py", "outbox", "work")
        register_checks()
        pre_migrate.connect(create_unmigrated, sender=self, dispatch_uid="clarion_outbox")
