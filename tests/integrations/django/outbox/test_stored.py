"""Sends of Django's model signals, stored and read again."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet, signals

from clarion.changes import Changes
from clarion.envelope import Envelope, seal
from clarion.errors import EncodingError
from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
from tests.integrations.django.library.models import Author, Book, Item, Novelist, Shelf, Ticket

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def stored():
    """Return the sends of model signals: as sent, and after they were stored as text."""
    found = []
    connected = []

    def listen(signal, sender, options="instance"):
        def note(sender, changes=None, **kwargs):
            arguments = {"sender": sender, **kwargs}
            if changes is not None:
                arguments["changes"] = changes
            found.append((arguments, seal(signal, arguments).to_json()))

        signal.connect(note, sender=sender, weak=False)
        connected.append((signal, note, sender))
        return found

    yield listen
    for signal, note, sender in connected:
        signal.disconnect(note, sender=sender)


def received(signal, text):
    """Return the arguments that a receiver gets."""
    return Envelope.from_json(text).arguments(signal)


def check(signal, sent, text, *, without=()):
    """Assert that each keyword comes back equal and of the same type."""
    arguments = received(signal, text)
    assert arguments.keys() == sent.keys()
    for name in sent.keys() - {"signal", *without}:
        assert arguments[name] == sent[name], name
        assert type(arguments[name]) is type(sent[name]), name
    return arguments


def test_the_keywords_of_a_save_come_back(stored):
    """The keywords of a save keep their types: `update_fields` a frozenset or None, `changes` the columns'."""
    found = stored(signals.post_save, Item)
    item = Item(title="a", price=Decimal("9.90"), shelf=Shelf.objects.create(name="s"))
    item.save()
    item.title, item.price = "b", Decimal("1.50")
    item.save(update_fields=["title", "price"])
    for sent, text in found:
        check(signals.post_save, sent, text)
    created, updated = (received(signals.post_save, text) for _, text in found)
    assert (created["created"], created["update_fields"]) == (True, None)
    assert updated["update_fields"] == frozenset({"title", "price"})
    assert type(updated["changes"]) is Changes
    assert updated["changes"]["price"] == (Decimal("9.90"), Decimal("1.50"))
    assert type(created["changes"]["at"].new) is dt.datetime
    assert updated["sender"] is Item


def test_the_keywords_of_a_link_come_back(stored):
    """In m2m_changed, `pk_set` is a set, `model` a model, and the sender the table of the links."""
    found = stored(signals.m2m_changed, Book.authors.through)
    authors = [Author.objects.create(name=name) for name in "ab"]
    book = Book.objects.create(title="b")
    book.authors.add(*authors)
    book.authors.clear()
    for sent, text in found:
        check(signals.m2m_changed, sent, text)
    arguments = received(signals.m2m_changed, found[1][1])
    assert arguments["action"] == "post_add"
    assert arguments["pk_set"] == {author.pk for author in authors}
    assert arguments["model"] is Author
    assert received(signals.m2m_changed, found[-1][1])["pk_set"] is None


@pytest.mark.parametrize("signal", [signals.pre_delete, signals.post_delete])
def test_a_deleted_instance_comes_back_as_it_was(stored, signal):
    """A deleted instance has all its values, which are stored because its row is gone."""
    found = stored(signal, Novelist)
    novelist = Novelist.objects.create(name="n", genre="noir")
    with transaction.atomic():
        novelist.delete()
    [(sent, text)] = found
    arguments = received(signal, text)
    assert (arguments["instance"].name, arguments["instance"].genre) == ("n", "noir")
    assert arguments["instance"].pk is not None
    assert type(arguments["instance"]) is Novelist
    assert arguments["origin"] == arguments["instance"]
    assert arguments["using"] == sent["using"]


def test_the_origin_of_a_deletion_may_be_a_queryset(stored):
    """An origin that is a queryset becomes an empty one of the model, because its rows are gone."""
    found = stored(signals.post_delete, Ticket)
    for code in "ab":
        Ticket.objects.create(code=code)
    Ticket.objects.filter(used=False).delete()
    for sent, text in found:
        arguments = check(signals.post_delete, sent, text, without=("origin", "instance"))
        assert isinstance(arguments["origin"], QuerySet)
        assert (arguments["origin"].model, list(arguments["origin"])) == (Ticket, [])
    codes = {received(signals.post_delete, text)["instance"].code for _, text in found}
    assert codes == {"a", "b"}


def test_an_unsaved_instance_is_refused():
    """An unsaved instance of `pre_save` is refused, and the message names the signal that has the row."""
    arguments = {"sender": Author, "instance": Author(name="a"), "raw": False, "using": "default"}
    with pytest.raises(
        EncodingError, match=r"pre_save cannot .* connect the receiver to post_save"
    ):
        seal(signals.pre_save, {**arguments, "update_fields": None})
    author = Author.objects.create(name="a")
    sent = {**arguments, "instance": author, "update_fields": None}
    envelope = seal(signals.pre_save, sent)
    assert envelope.arguments(signals.pre_save)["instance"] == author


def test_an_unknown_origin_is_refused():
    """An origin that is none of Django's is refused."""
    arguments = {"sender": Author, "instance": Author.objects.create(name="a"), "origin": None}
    assert seal(signals.post_delete, arguments).arguments(signals.post_delete)["origin"] is None
    with pytest.raises(EncodingError, match="origin is an int, which no integration"):
        seal(signals.post_delete, {**arguments, "origin": 5})


def test_the_keywords_of_bulk_writes_come_back():
    """The keywords of bulk writes come back, except the criteria, which are a query."""
    authors = tuple(Author.objects.create(name=name) for name in "ab")
    common = {"sender": Author, "criteria": object(), "rowcount": 2, "using": "default"}
    sends: dict[Any, dict[str, Any]] = {
        post_bulk_insert: {"pk_set": {1, 2}, "objs": authors, "on_conflict": None},
        post_bulk_update: {
            "pk_set": None,
            "update_fields": frozenset({"name"}),
            "values": {"name": "c"},
            "objs": None,
        },
        post_bulk_delete: {"pk_set": {1}},
    }
    for signal, keywords in sends.items():
        sent = {**common, **keywords}
        text = seal(signal, sent).to_json()
        arguments = received(signal, text)
        assert arguments.pop("criteria") is None
        for name, value in keywords.items():
            assert arguments[name] == value
            assert type(arguments[name]) is type(value)
