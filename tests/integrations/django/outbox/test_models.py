"""The tables as models."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.models import Blocked, Dead, Delivery, Event, Partition
from clarion.outbox import store
from clarion.outbox.delivery_row import PARTITIONS, Target
from tests.integrations.django.outbox.sends import publish


def test_the_models_read_what_the_outbox_writes(alias):
    """The models read the rows of the outbox on each kind of database."""
    connection = DjangoConnection(alias)
    before = datetime.now(UTC).timestamp()
    with transaction.atomic(using=alias):
        envelope = publish(connection, Target("mail"), Target("bill", "k", 60_000))
        store.add_partitions(connection, ["bill"])
        [claim] = store.claim(connection, "mail", 10, 30_000)
        store.bury(connection, "mail", claim, "Traceback", block=True)
    event = Event.objects.using(alias).get()
    assert (event.uid, bytes(event.payload)) == (envelope.uid.hex, envelope.payload)
    assert str(event) == f"shop.order_paid {envelope.uid.hex}"
    waiting = Delivery.objects.using(alias).select_related("event").get()
    assert (waiting.receiver, waiting.key, waiting.event) == ("bill", "k", event)
    assert 50 < waiting.due_at.timestamp() - before < 90
    dead = Dead.objects.using(alias).get()
    assert (dead.receiver, dead.failures, dead.error) == ("mail", 1, "Traceback")
    assert -30 < dead.given_up_at.timestamp() - before < 30
    assert str(dead) == f"mail {dead.id}"
    partitions = Partition.objects.using(alias)
    assert partitions.count() == PARTITIONS
    assert str(partitions.get(pk=("bill", 3))) == "bill 3"
    with transaction.atomic(using=alias):
        connection.change("block", receiver="bill", key="k", delay=None)
    assert str(Blocked.objects.using(alias).get()) == "bill ('bill', 'k')"


@pytest.mark.parametrize("model", [Event, Delivery, Dead, Partition, Blocked])
def test_each_table_is_emptied_between_tests(model):
    """Django's `TransactionTestCase` empties each table, because the models are managed."""
    assert model._meta.managed
    assert model._meta.db_table.startswith("clarion_")


def test_the_version_is_not_emptied(alias):
    """`flush` keeps the version, which has no model."""
    from django.core.management.color import no_style
    from django.core.management.sql import sql_flush
    from django.db import connections

    with CaptureQueriesContext(connections[alias]):
        statements = sql_flush(no_style(), connections[alias], allow_cascade=False)
    assert any("clarion_delivery" in each for each in statements)
    assert not any("clarion_meta" in each for each in statements)
