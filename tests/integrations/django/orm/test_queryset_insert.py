"""bulk_create sends post_bulk_insert once, with the facts that are known."""

from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.db.models import UUIDField, Value
from django.db.models.signals import post_save

from clarion.integrations.django import post_bulk_insert
from clarion.testing import capture
from tests.integrations.django.library.models import Copy, Novelist, Stay, Ticket
from tests.integrations.django.orm.values import assert_one_send, copies

pytestmark = pytest.mark.django_db


def test_bulk_create_is_sent(writes):
    """The send has the model, the objects, their number, their keys and the database."""
    with capture(post_save) as saves:
        made = Copy.objects.bulk_create([Copy(code="a"), Copy(code="b")])
    keys = {made[0].pk, made[1].pk}
    assert_one_send(
        writes,
        post_bulk_insert,
        sender=Copy,
        rowcount=2,
        pk_set=keys,
        using="default",
        criteria=None,
        objs=tuple(made),
        on_conflict=None,
    )
    assert None not in keys
    assert not saves


@pytest.mark.parametrize("none", [[], (), iter([])], ids=["list", "tuple", "iterator"])
def test_creating_none_is_not_sent(writes, none):
    """A bulk_create without objects sends no signal."""
    assert not list(Copy.objects.bulk_create(none))
    assert not writes


def test_an_iterator_is_sent(writes):
    """Objects from an iterator are written and sent."""
    made = Copy.objects.bulk_create(Copy(code=code) for code in "ab")
    assert assert_one_send(writes, post_bulk_insert, rowcount=2)["objs"] == tuple(made)
    assert Copy.objects.count() == 2


def test_batches_of_bulk_create_are_one_write(writes):
    """A call sends one signal, however many statements it takes."""
    Copy.objects.bulk_create([Copy(code=code) for code in "abcde"], batch_size=2)
    assert len(assert_one_send(writes, post_bulk_insert, rowcount=5)["pk_set"]) == 5


def test_ignored_conflicts_leave_all_unknown(writes):
    """With ignored conflicts, Django reports neither the number of rows nor their keys."""
    copies("a")
    Copy.objects.bulk_create([Copy(code="a"), Copy(code="b")], ignore_conflicts=True)
    assert_one_send(writes, post_bulk_insert, rowcount=None, pk_set=None, on_conflict="ignore")


def test_updated_conflicts_have_the_rows_keys(writes):
    """The database returns the keys of the rows, inserted or updated."""
    [old] = copies("a")
    Copy.objects.bulk_create(
        [Copy(code="a", stamp=7), Copy(code="b")],
        update_conflicts=True,
        update_fields=["stamp"],
        unique_fields=["code"],
    )
    arguments = assert_one_send(writes, post_bulk_insert, rowcount=2, on_conflict="update")
    assert arguments["pk_set"] == {old.pk, Copy.objects.get(code="b").pk}


def test_updated_conflicts_hide_keys_made_in_python(writes):
    """The row keeps its key and the object has another, so no key is sent."""
    Ticket.objects.create(code="a")
    Ticket.objects.bulk_create(
        [Ticket(code="a", used=True)],
        update_conflicts=True,
        update_fields=["used"],
        unique_fields=["code"],
    )
    assert_one_send(writes, post_bulk_insert, rowcount=1, pk_set=None)


def test_updated_conflicts_hide_keys_of_the_objects(writes):
    """The row keeps its key, and not every Django reads it back, so no key is sent."""
    copies("a")
    Copy.objects.bulk_create(
        [Copy(pk=99, code="a", stamp=7)],
        update_conflicts=True,
        update_fields=["stamp"],
        unique_fields=["code"],
    )
    assert_one_send(writes, post_bulk_insert, rowcount=1, pk_set=None)


def test_conflicts_of_the_key_itself_have_it(writes):
    """If the key itself conflicts, the row has the object's key."""
    old = Ticket.objects.create(code="a")
    Ticket.objects.bulk_create(
        [Ticket(id=old.id, code="b")],
        update_conflicts=True,
        update_fields=["code"],
        unique_fields=["pk"],
    )
    assert_one_send(writes, post_bulk_insert, rowcount=1, pk_set={old.id})


def test_keys_that_come_with_the_objects(writes):
    """Keys made in Python, and of two columns, are sent as `pk` returns them."""
    ticket = Ticket(code="a")
    Ticket.objects.bulk_create([ticket])
    Stay.objects.bulk_create([Stay(room=1, night=2, guest="Poe")])
    assert [sent.keywords["pk_set"] for sent in writes] == [{ticket.id}, {(1, 2)}]


def test_keys_that_the_database_computes(writes):
    """A key that is an expression is sent only if the database returns it."""
    key = uuid4()
    ticket = Ticket(id=Value(key, output_field=UUIDField()), code="a")
    Ticket.objects.bulk_create([ticket])
    assert Ticket.objects.get().id == key
    assert assert_one_send(writes, post_bulk_insert, rowcount=1)["pk_set"] in (None, {key})


def test_a_database_that_returns_no_keys(writes, monkeypatch):
    """No keys are sent if Django cannot read them back (MySQL)."""
    from django.db import connection

    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    Copy.objects.bulk_create([Copy(code="a")])
    assert_one_send(writes, post_bulk_insert, rowcount=1, pk_set=None)


def test_a_failed_write_is_not_sent(writes):
    """A bulk_create that raises sends no signal."""
    copies("a")
    with pytest.raises(IntegrityError):
        Copy.objects.bulk_create([Copy(code="a")])
    assert not writes


def test_a_model_that_inherits_its_table_is_refused(writes):
    """Django's own error for multi-table inheritance is raised."""
    with pytest.raises(ValueError, match="multi-table"):
        Novelist.objects.bulk_create([Novelist(name="Hammett")])
    assert not writes
