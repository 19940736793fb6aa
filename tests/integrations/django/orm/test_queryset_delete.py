"""Deletes that load no objects send post_bulk_delete once."""

import pytest
from django.db.models.signals import post_delete

from clarion.integrations.django import post_bulk_delete, post_bulk_update
from tests.integrations.django.library.models import Author, Copy, Novelist, Shelf
from tests.integrations.django.orm.values import assert_one_send, copies

pytestmark = pytest.mark.django_db


def test_a_fast_delete_is_sent(writes):
    """A delete that loads no objects sends the queryset and the number of rows."""
    copies("a", "b")
    assert Copy.objects.filter(code="a").delete() == (1, {"library.Copy": 1})
    arguments = assert_one_send(
        writes, post_bulk_delete, sender=Copy, rowcount=1, pk_set=None, using="default"
    )
    assert arguments["criteria"].model is Copy


def test_deleting_none_is_not_sent(writes):
    """A delete of no rows sends no signal."""
    Copy.objects.all().delete()
    assert not writes


def test_rows_with_signals_of_their_own_are_not_sent_again(writes):
    """If post_delete has a receiver, Django deletes row by row and sends no bulk signal."""
    copies("a", "b")
    received = []
    post_delete.connect(lambda instance, **kwargs: received.append(instance), Copy, weak=False)
    Copy.objects.all().delete()
    assert len(received) == 2
    assert not writes


def test_a_model_that_inherits_its_table_is_deleted_row_by_row(writes):
    """A model that inherits its table sends the signals of both rows, and no bulk signal."""
    Novelist.objects.create(name="Hammett")
    senders = []
    post_delete.connect(lambda sender, **kwargs: senders.append(sender), weak=False)
    Novelist.objects.all().delete()
    assert senders == [Novelist, Author]
    assert not writes


def test_a_cascade_that_loads_nothing_is_sent(writes):
    """Rows that a cascade deletes without loading them are sent by their own model."""
    shelf = Shelf.objects.create(name="a")
    copies("a", "b", shelf=shelf)
    shelf.delete()
    assert_one_send(writes, post_bulk_delete, sender=Copy, rowcount=2)


def test_a_cascade_that_sets_null_is_sent(writes):
    """A cascade that sets NULL sends the signal of an update, which saves no object."""
    reader = Author.objects.create(name="a")
    copies("a", "b", reader=reader)
    reader.delete()
    updates = [sent for sent in writes if sent.sender is Copy]
    assert [sent.signal for sent in updates] == [post_bulk_update]
    assert updates[0].keywords["values"]["reader"] is None


def test_raw_deletes_are_sent(writes):
    """A call of _raw_delete, which packages make although it is private, sends a signal."""
    copies("a")
    Copy.objects.all()._raw_delete("default")
    Copy.objects.all()._raw_delete(using="default")
    assert_one_send(writes, post_bulk_delete, sender=Copy, rowcount=1)
