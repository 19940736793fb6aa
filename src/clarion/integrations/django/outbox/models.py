"""The tables of the outbox as models, for the admin and for Django's commands.

The migration creates the tables by the outbox's own statements. Nothing is written through the
models.
"""

# pyright: reportIncompatibleVariableOverride=false
# Django's `Meta` of a model is not derived from that of its base.

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import models


class Event(models.Model):
    """One send that was stored."""

    uid = models.CharField(primary_key=True, max_length=32)
    signal = models.CharField(max_length=200)
    version = models.IntegerField()
    payload = models.BinaryField()
    headers = models.TextField()
    created_at = models.BigIntegerField()

    class Meta:
        """The options of the table."""

        db_table = "clarion_event"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.signal} {self.uid}"


class DeliveryRow(models.Model):
    """The columns of a delivery, whether it waits or was given up."""

    event = models.ForeignKey(
        Event, models.DO_NOTHING, db_column="event", db_constraint=False, related_name="+"
    )
    receiver = models.CharField(max_length=200)
    key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # no key is not an empty key
    part = models.IntegerField(null=True)
    failures = models.IntegerField()

    class Meta:
        """The options of the table."""

        abstract = True

    def __str__(self) -> str:
        return f"{self.receiver} {self.pk}"


class Delivery(DeliveryRow):
    """A delivery that waits for a worker, or is being made."""

    id = models.BigAutoField(primary_key=True)
    visible_at = models.BigIntegerField()
    attempt = models.IntegerField()
    error = models.TextField(null=True)  # noqa: DJ001  # no error yet

    class Meta:
        """The options of the table."""

        db_table = "clarion_delivery"
        default_permissions = ("view",)
        verbose_name = "waiting delivery"
        verbose_name_plural = "waiting deliveries"

    @property
    def due_at(self) -> datetime:
        """When a worker may make it, in UTC."""
        return _time(self.visible_at)


class Dead(DeliveryRow):
    """A delivery that was given up."""

    id = models.BigIntegerField(primary_key=True)
    error = models.TextField()
    died_at = models.BigIntegerField()

    class Meta:
        """The options of the table."""

        db_table = "clarion_dead"
        default_permissions = ("view", "change", "delete")  # change: requeue; delete: discard
        verbose_name = "dead delivery"
        verbose_name_plural = "dead deliveries"

    @property
    def given_up_at(self) -> datetime:
        """When it was given up, in UTC."""
        return _time(self.died_at)


class Partition(models.Model):
    """A partition of the keys of a receiver, which one worker leases."""

    pk = models.CompositePrimaryKey("receiver", "part")
    receiver = models.CharField(max_length=200)
    part = models.IntegerField()
    epoch = models.BigIntegerField()
    leased_until = models.BigIntegerField()

    class Meta:
        """The options of the table."""

        db_table = "clarion_partition"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.receiver} {self.part}"


class Blocked(models.Model):
    """A key whose deliveries wait for the first of them."""

    pk = models.CompositePrimaryKey("receiver", "key")
    receiver = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    until = models.BigIntegerField(null=True)

    class Meta:
        """The options of the table."""

        db_table = "clarion_blocked"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.receiver} {self.pk}"


class Inbox(models.Model):
    """A call that has had its effect in this database."""

    pk = models.CompositePrimaryKey("receiver", "uid")
    receiver = models.CharField(max_length=200)
    uid = models.CharField(max_length=32)
    received_at = models.BigIntegerField()

    class Meta:
        """The options of the table."""

        db_table = "clarion_inbox"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.receiver} {self.uid}"


def _time(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
