"""update and bulk_update send post_bulk_update once; async variants send as the sync ones."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.db.models import Case, QuerySet, Value, When
from django.db.models.signals import m2m_changed, post_save

from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
from clarion.testing import capture
from tests.integrations.django.library.models import (
    Author,
    Book,
    Copy,
    Novelist,
    RareCopy,
    Shelf,
)
from tests.integrations.django.orm.values import assert_one_send, copies

pytestmark = pytest.mark.django_db


def test_update_is_sent(writes):
    """The send has the model, the queryset, the values and the number of rows, but no keys."""
    for name in "ab":
        Shelf.objects.create(name=name)
    with capture(post_save) as saves:
        assert Shelf.objects.filter(name="a").update(name="c") == 1
    arguments = assert_one_send(
        writes,
        post_bulk_update,
        sender=Shelf,
        rowcount=1,
        pk_set=None,
        using="default",
        update_fields=frozenset({"name"}),
        values={"name": "c"},
        objs=None,
    )
    assert "WHERE" in str(arguments["criteria"].query)
    assert not saves


def test_evaluating_the_criteria_leaves_the_callers_queryset_alone(writes):
    """A receiver gets a copy of the queryset."""
    queryset = Shelf.objects.filter(name="a")
    Shelf.objects.create(name="a")
    post_bulk_update.connect(lambda criteria, **kwargs: list(criteria))
    queryset.update(name="a")
    assert queryset._result_cache is None
    assert assert_one_send(writes, post_bulk_update)["criteria"] is not queryset


def test_updating_none_is_not_sent(writes):
    """An update of no rows sends no signal."""
    assert Shelf.objects.filter(name="x").update(name="y") == 0
    assert Shelf.objects.none().update(name="y") == 0
    assert not writes


def test_saving_is_not_sent(writes):
    """Writes of a single object send no signal of bulk writes."""
    shelf = Shelf.objects.create(name="a")
    shelf.name = "b"
    shelf.save()
    Shelf.objects.update_or_create(defaults={"name": "c"}, id=shelf.id)
    shelf.delete()
    assert not writes


def test_a_querysets_own_update_is_sent_once(writes):
    """An overridden `update` sends one signal, with the values that it wrote."""
    copies("a", "b")
    Copy.objects.update(code=Case(When(code="a", then=Value("x")), default=Value("y")))
    arguments = assert_one_send(writes, post_bulk_update, sender=Copy, rowcount=2)
    assert arguments["update_fields"] == {"code", "stamp"}


def test_a_proxy_is_the_sender(writes):
    """The sender is the proxy that was written, as for post_save."""
    copies("a")
    RareCopy.objects.update(stamp=3)
    RareCopy.objects.all().delete()
    RareCopy.objects.bulk_create([RareCopy(code="b")])
    assert [sent.sender for sent in writes] == [RareCopy] * 3


def test_a_model_that_inherits_its_table_is_sent_once(writes):
    """An update of two tables sends one signal; the sender is the model that was updated."""
    Novelist.objects.create(name="Hammett")
    Novelist.objects.update(name="Chandler", genre="noir")
    assert_one_send(writes, post_bulk_update, sender=Novelist, rowcount=1)


def test_receivers_of_the_parent_with_subclasses(writes):
    """With subclasses=True, a receiver of a model is called for the models that inherit from it."""
    received = []
    post_bulk_update.connect(
        lambda sender, **kwargs: received.append(sender), sender=Author, subclasses=True
    )
    Novelist.objects.create(name="Hammett")
    Novelist.objects.update(name="Chandler")
    assert received == [Novelist]


def test_related_managers_are_sent(writes):
    """Adding, updating and removing objects of a related manager are updates."""
    shelf, made = Shelf.objects.create(name="a"), copies("a", "b")
    shelf.copies.add(*made)
    shelf.copies.update(stamp=0)
    shelf.copies.clear()
    assert [(sent.sender, sent.keywords["rowcount"]) for sent in writes] == [(Copy, 2)] * 3


def test_many_to_many_rows_are_sent_by_their_own_model(writes):
    """The rows of a many-to-many are bulk writes of its model, beside m2m_changed."""
    book, author = Book.objects.create(title="a"), Author.objects.create(name="b")
    with capture(m2m_changed) as changes:
        book.authors.add(author)
        book.authors.clear()
    assert [sent.signal for sent in writes] == [post_bulk_insert, post_bulk_delete]
    assert {sent.sender for sent in writes} == {Book.authors.through}
    assert len(changes) == 4


def test_bulk_update_is_sent_once(writes):
    """A bulk_update of several batches sends one signal, with all rows and keys."""
    made = copies(*"abcde")
    for copy in made:
        copy.code += "x"
    assert Copy.objects.bulk_update(made, ["code"], batch_size=2) == 5
    assert_one_send(
        writes,
        post_bulk_update,
        sender=Copy,
        rowcount=5,
        pk_set={copy.pk for copy in made},
        update_fields=frozenset({"code"}),
        values=None,
        objs=tuple(made),
    )


def test_bulk_update_that_missed_rows_has_no_keys(writes):
    """If a row was deleted, the number of rows shows it, and no keys are sent."""
    made = copies("a", "b")
    Copy.objects.get(code="a").delete()
    Copy.objects.bulk_update(made, (name for name in ["stamp"]))
    assert_one_send(writes, post_bulk_update, rowcount=1, pk_set=None)


def test_bulk_update_of_none_is_not_sent(writes):
    """A bulk_update without objects, or of deleted ones only, sends no signal."""
    assert Copy.objects.bulk_update([], ["code"]) == 0
    assert Copy.objects.bulk_update([Copy(pk=99, code="x")], ["code"]) == 0
    assert not writes


def test_another_update_inside_a_bulk_update_is_sent(writes):
    """An update that an overridden `update` makes beside its batch has its own signal."""

    class Chatty(QuerySet):
        def update(self, **values):
            QuerySet(Copy).update(stamp=9)
            return super().update(**values)

    made = copies("a", "b")
    Chatty(Copy).bulk_update(made, ["code"])
    assert [sent.keywords["update_fields"] for sent in writes] == [{"stamp"}, {"code"}]


def test_bulk_update_of_a_model_that_inherits_its_table(writes):
    """If a field of the parent is written, the sender is the model that was updated."""
    made = Novelist.objects.create(name="Hammett")
    made.name = "Chandler"
    Novelist.objects.bulk_update([made], ["name"])
    assert_one_send(writes, post_bulk_update, sender=Novelist, rowcount=1, pk_set={made.pk})


def test_async_variants_are_sent(writes):
    """Async variants send, because they run the sync ones in Django's thread."""

    async def write():
        made = await Copy.objects.abulk_create([Copy(code="a")])
        await Copy.objects.aupdate(stamp=2)
        await Copy.objects.abulk_update(made, ["code"])
        await Copy.objects.all().adelete()

    async_to_sync(write)()
    assert [sent.signal for sent in writes] == [
        post_bulk_insert,
        post_bulk_update,
        post_bulk_update,
        post_bulk_delete,
    ]


def test_async_receivers_run_in_the_callers_loop():
    """Async receivers run in the caller's event loop, as for Django's signals."""
    loops = []

    async def receive(**kwargs):
        loops.append(asyncio.get_running_loop())

    async def write():
        loops.append(asyncio.get_running_loop())
        await Copy.objects.abulk_create([Copy(code="a")])

    post_bulk_insert.connect(receive)
    async_to_sync(write)()
    assert len(loops) == 2
    assert loops[0] is loops[1]


def test_async_receivers_of_a_sync_write():
    """Async receivers of a sync write run in an event loop of asgiref's."""
    received = []

    async def receive(rowcount, **kwargs):
        received.append(rowcount)

    post_bulk_insert.connect(receive)
    Copy.objects.bulk_create([Copy(code="a")])
    assert received == [1]
