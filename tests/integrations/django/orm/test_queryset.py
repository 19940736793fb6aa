"""Each bulk write is told once, with what is known of it."""

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError
from django.db.models import Case, QuerySet, UUIDField, Value, When
from django.db.models.signals import m2m_changed, post_delete, post_save

from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
from clarion.testing import capture
from tests.integrations.django.library.models import (
    Author,
    Book,
    Copy,
    Novelist,
    RareCopy,
    Shelf,
    Stay,
    Ticket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def told():
    """Capture the three signals, and those of single rows."""
    with capture(post_bulk_insert, post_bulk_update, post_bulk_delete) as sent:
        yield sent


def copies(*codes, **named):
    """Create copies, one by one."""
    return [Copy.objects.create(code=code, **named) for code in codes]


def only(told, signal, **expected):
    """Check that there was one send, with these arguments; return it all."""
    [sent] = told
    assert sent.signal is signal
    found = {**sent.named, "sender": sent.sender}
    assert {name: found.get(name) for name in expected} == expected
    return found


# bulk_create


def test_bulk_create_is_told(told):
    """The class, the objects, how many, their keys and the database; no post_save."""
    with capture(post_save) as saves:
        made = Copy.objects.bulk_create([Copy(code="a"), Copy(code="b")])
    keys = {made[0].pk, made[1].pk}
    only(
        told,
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
def test_creating_none_is_not_told(told, none):
    """Nothing written, nothing told."""
    assert not list(Copy.objects.bulk_create(none))
    assert not told


def test_an_iterator_is_told(told):
    """What can be read only once is written and told."""
    made = Copy.objects.bulk_create(Copy(code=code) for code in "ab")
    assert only(told, post_bulk_insert, rowcount=2)["objs"] == tuple(made)
    assert Copy.objects.count() == 2


def test_batches_of_bulk_create_are_one_write(told):
    """One signal for a call, however many statements it took."""
    Copy.objects.bulk_create([Copy(code=code) for code in "abcde"], batch_size=2)
    assert len(only(told, post_bulk_insert, rowcount=5)["pk_set"]) == 5


def test_ignored_conflicts_leave_all_unknown(told):
    """Nobody tells which rows were ignored: neither how many were written, nor their keys."""
    copies("a")
    Copy.objects.bulk_create([Copy(code="a"), Copy(code="b")], ignore_conflicts=True)
    only(told, post_bulk_insert, rowcount=None, pk_set=None, on_conflict="ignore")


def test_updated_conflicts_have_the_rows_keys(told):
    """The database returns the keys of the rows, be they inserted or updated."""
    [old] = copies("a")
    Copy.objects.bulk_create(
        [Copy(code="a", stamp=7), Copy(code="b")],
        update_conflicts=True,
        update_fields=["stamp"],
        unique_fields=["code"],
    )
    found = only(told, post_bulk_insert, rowcount=2, on_conflict="update")
    assert found["pk_set"] == {old.pk, Copy.objects.get(code="b").pk}


def test_updated_conflicts_hide_keys_made_in_python(told):
    """The row keeps its key and the object another: no key is told rather than a wrong one."""
    Ticket.objects.create(code="a")
    Ticket.objects.bulk_create(
        [Ticket(code="a", used=True)],
        update_conflicts=True,
        update_fields=["used"],
        unique_fields=["code"],
    )
    only(told, post_bulk_insert, rowcount=1, pk_set=None)


def test_updated_conflicts_hide_keys_that_came_along(told):
    """The row keeps its key; whether the object learns of it differs from Django to Django."""
    copies("a")
    Copy.objects.bulk_create(
        [Copy(pk=99, code="a", stamp=7)],
        update_conflicts=True,
        update_fields=["stamp"],
        unique_fields=["code"],
    )
    only(told, post_bulk_insert, rowcount=1, pk_set=None)


def test_conflicts_of_the_key_itself_tell_it(told):
    """If it is the key that conflicts, the row has the object's."""
    old = Ticket.objects.create(code="a")
    Ticket.objects.bulk_create(
        [Ticket(id=old.id, code="b")],
        update_conflicts=True,
        update_fields=["code"],
        unique_fields=["pk"],
    )
    only(told, post_bulk_insert, rowcount=1, pk_set={old.id})


def test_keys_that_come_with_the_objects(told):
    """Keys made in Python, or of two columns, are told as `pk` has them."""
    ticket = Ticket(code="a")
    Ticket.objects.bulk_create([ticket])
    Stay.objects.bulk_create([Stay(room=1, night=2, guest="Poe")])
    assert [sent.named["pk_set"] for sent in told] == [{ticket.id}, {(1, 2)}]


def test_keys_that_the_database_works_out(told):
    """An expression is no key, and its value is not always read back."""
    key = uuid4()
    ticket = Ticket(id=Value(key, output_field=UUIDField()), code="a")
    Ticket.objects.bulk_create([ticket])
    assert Ticket.objects.get().id == key
    assert only(told, post_bulk_insert, rowcount=1)["pk_set"] in (None, {key})


def test_a_database_that_returns_no_keys(told, monkeypatch):
    """Where Django cannot read the keys back (MySQL), there are none to tell."""
    from django.db import connection

    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    Copy.objects.bulk_create([Copy(code="a")])
    only(told, post_bulk_insert, rowcount=1, pk_set=None)


def test_a_failed_write_is_not_told(told):
    """What raises has written nothing."""
    copies("a")
    with pytest.raises(IntegrityError):
        Copy.objects.bulk_create([Copy(code="a")])
    assert not told


def test_a_model_that_inherits_its_table_is_refused_as_before(told):
    """Django's own error for multi-table inheritance comes through."""
    with pytest.raises(ValueError, match="multi-table"):
        Novelist.objects.bulk_create([Novelist(name="Hammett")])
    assert not told


# update


def test_update_is_told(told):
    """The class, the queryset, the values and how many; the keys are not known."""
    for name in "ab":
        Shelf.objects.create(name=name)
    with capture(post_save) as saves:
        assert Shelf.objects.filter(name="a").update(name="c") == 1
    found = only(
        told,
        post_bulk_update,
        sender=Shelf,
        rowcount=1,
        pk_set=None,
        using="default",
        update_fields=frozenset({"name"}),
        values={"name": "c"},
        objs=None,
    )
    assert "WHERE" in str(found["criteria"].query)
    assert not saves


def test_evaluating_the_criteria_leaves_the_callers_queryset_alone(told):
    """A receiver gets a queryset of its own."""
    queryset = Shelf.objects.filter(name="a")
    Shelf.objects.create(name="a")
    post_bulk_update.connect(lambda criteria, **named: list(criteria))
    queryset.update(name="a")
    assert queryset._result_cache is None
    assert only(told, post_bulk_update)["criteria"] is not queryset


def test_updating_none_is_not_told(told):
    """No row, no signal."""
    assert Shelf.objects.filter(name="x").update(name="y") == 0
    assert Shelf.objects.none().update(name="y") == 0
    assert not told


def test_saving_is_not_told(told):
    """An object's own writes are no bulk writes, though they update and delete too."""
    shelf = Shelf.objects.create(name="a")
    shelf.name = "b"
    shelf.save()
    Shelf.objects.update_or_create(defaults={"name": "c"}, id=shelf.id)
    shelf.delete()
    assert not told


def test_a_querysets_own_update_is_told_once(told):
    """A subclass that updates in its own way is told with what it wrote."""
    copies("a", "b")
    Copy.objects.update(code=Case(When(code="a", then=Value("x")), default=Value("y")))
    found = only(told, post_bulk_update, sender=Copy, rowcount=2)
    assert found["update_fields"] == {"code", "stamp"}


def test_a_proxy_is_the_sender(told):
    """As with post_save, it is the class that was written through."""
    copies("a")
    RareCopy.objects.update(stamp=3)
    RareCopy.objects.all().delete()
    RareCopy.objects.bulk_create([RareCopy(code="b")])
    assert [sent.sender for sent in told] == [RareCopy] * 3


def test_a_model_that_inherits_its_table_is_told_once(told):
    """Two tables are written, the parent's among them; the sender is the class updated."""
    Novelist.objects.create(name="Hammett")
    Novelist.objects.update(name="Chandler", genre="noir")
    only(told, post_bulk_update, sender=Novelist, rowcount=1)


def test_receivers_of_the_parent_hear_its_subclasses_if_they_say_so(told):
    """As for any signal of Clarion's."""
    heard = []
    post_bulk_update.connect(
        lambda sender, **named: heard.append(sender), sender=Author, subclasses=True
    )
    Novelist.objects.create(name="Hammett")
    Novelist.objects.update(name="Chandler")
    assert heard == [Novelist]


def test_related_managers_are_told(told):
    """Adding many by one update, updating them and removing them."""
    shelf, made = Shelf.objects.create(name="a"), copies("a", "b")
    shelf.copies.add(*made)
    shelf.copies.update(stamp=0)
    shelf.copies.clear()
    assert [(sent.sender, sent.named["rowcount"]) for sent in told] == [(Copy, 2)] * 3


def test_many_to_many_rows_are_told_by_their_own_class(told):
    """Beside m2m_changed: its rows are written in bulk and send no post_save."""
    book, author = Book.objects.create(title="a"), Author.objects.create(name="b")
    with capture(m2m_changed) as changes:
        book.authors.add(author)
        book.authors.clear()
    assert [sent.signal for sent in told] == [post_bulk_insert, post_bulk_delete]
    assert {sent.sender for sent in told} == {Book.authors.through}
    assert len(changes) == 4


# bulk_update


def test_bulk_update_is_told_once(told):
    """One signal with the sum, however many batches it took, and the keys."""
    made = copies(*"abcde")
    for copy in made:
        copy.code += "x"
    assert Copy.objects.bulk_update(made, ["code"], batch_size=2) == 5
    only(
        told,
        post_bulk_update,
        sender=Copy,
        rowcount=5,
        pk_set={copy.pk for copy in made},
        update_fields=frozenset({"code"}),
        values=None,
        objs=tuple(made),
    )


def test_bulk_update_that_missed_rows_tells_no_keys(told):
    """If a row has gone, the count says so, and nobody knows which ones were written."""
    made = copies("a", "b")
    Copy.objects.get(code="a").delete()
    Copy.objects.bulk_update(made, (name for name in ["stamp"]))
    only(told, post_bulk_update, rowcount=1, pk_set=None)


def test_bulk_update_of_none_is_not_told(told):
    """Neither of no objects, nor of objects that are all gone."""
    assert Copy.objects.bulk_update([], ["code"]) == 0
    assert Copy.objects.bulk_update([Copy(pk=99, code="x")], ["code"]) == 0
    assert not told


def test_what_an_overridden_update_writes_besides_is_told(told):
    """Only the batches of a bulk_update are part of it, not another update amid them."""

    class Chatty(QuerySet):
        def update(self, **values):
            QuerySet(Copy).update(stamp=9)
            return super().update(**values)

    made = copies("a", "b")
    Chatty(Copy).bulk_update(made, ["code"])
    assert [sent.named["update_fields"] for sent in told] == [{"stamp"}, {"code"}]


def test_bulk_update_of_a_model_that_inherits_its_table(told):
    """A field of the parent's is written, and told by the class that it was written through."""
    made = Novelist.objects.create(name="Hammett")
    made.name = "Chandler"
    Novelist.objects.bulk_update([made], ["name"])
    only(told, post_bulk_update, sender=Novelist, rowcount=1, pk_set={made.pk})


# delete


def test_a_fast_delete_is_told(told):
    """Rows that no object was loaded for: the queryset and how many."""
    copies("a", "b")
    assert Copy.objects.filter(code="a").delete() == (1, {"library.Copy": 1})
    found = only(told, post_bulk_delete, sender=Copy, rowcount=1, pk_set=None, using="default")
    assert found["criteria"].model is Copy


def test_deleting_none_is_not_told(told):
    """No row, no signal."""
    Copy.objects.all().delete()
    assert not told


def test_rows_that_got_their_own_signals_are_not_told_again(told):
    """While somebody listens to post_delete, Django deletes row by row."""
    copies("a", "b")
    heard = []
    post_delete.connect(lambda instance, **named: heard.append(instance), Copy, weak=False)
    Copy.objects.all().delete()
    assert len(heard) == 2
    assert not told


def test_a_model_that_inherits_its_table_is_deleted_row_by_row(told):
    """Both of its rows get their signals, and neither is told in bulk."""
    Novelist.objects.create(name="Hammett")
    senders = []
    post_delete.connect(lambda sender, **named: senders.append(sender), weak=False)
    Novelist.objects.all().delete()
    assert senders == [Novelist, Author]
    assert not told


def test_a_cascade_that_loads_nothing_is_told(told):
    """What goes with a deleted object, without signals of its own, is told by its class."""
    shelf = Shelf.objects.create(name="a")
    copies("a", "b", shelf=shelf)
    shelf.delete()
    only(told, post_bulk_delete, sender=Copy, rowcount=2)


def test_a_cascade_that_only_lets_go_is_told(told):
    """SET_NULL is an update that saves no object."""
    reader = Author.objects.create(name="a")
    copies("a", "b", reader=reader)
    reader.delete()
    updates = [sent for sent in told if sent.sender is Copy]
    assert [sent.signal for sent in updates] == [post_bulk_update]
    assert updates[0].named["values"]["reader"] is None


def test_raw_deletes_are_told(told):
    """Many call it themselves, though its name begins with an underscore."""
    copies("a")
    Copy.objects.all()._raw_delete("default")
    Copy.objects.all()._raw_delete(using="default")
    only(told, post_bulk_delete, sender=Copy, rowcount=1)


# async


def test_async_variants_are_told(told):
    """They run the sync ones in Django's thread."""

    async def write():
        made = await Copy.objects.abulk_create([Copy(code="a")])
        await Copy.objects.aupdate(stamp=2)
        await Copy.objects.abulk_update(made, ["code"])
        await Copy.objects.all().adelete()

    async_to_sync(write)()
    assert [sent.signal for sent in told] == [
        post_bulk_insert,
        post_bulk_update,
        post_bulk_update,
        post_bulk_delete,
    ]


def test_async_receivers_run_in_the_callers_loop():
    """As those of Django's signals do, by way of asgiref."""
    loops = []

    async def hear(**named):
        loops.append(asyncio.get_running_loop())

    async def write():
        loops.append(asyncio.get_running_loop())
        await Copy.objects.abulk_create([Copy(code="a")])

    post_bulk_insert.connect(hear)
    async_to_sync(write)()
    assert len(loops) == 2
    assert loops[0] is loops[1]


def test_async_receivers_of_a_sync_write():
    """Without a loop there is one for them."""
    heard = []

    async def hear(rowcount, **named):
        heard.append(rowcount)

    post_bulk_insert.connect(hear)
    Copy.objects.bulk_create([Copy(code="a")])
    assert heard == [1]
