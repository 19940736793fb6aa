"""Saves that a receiver could not be called by are refused, with whatever DEBUG is."""

import asyncio
import functools

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import Signal as DjangoSignal

from clarion import on_commit
from clarion.errors import ArgumentError
from clarion.integrations.django import post_bulk_insert
from clarion.introspect import explain
from tests.integrations.django.commit.sends import create, order_paid, pay
from tests.integrations.django.library.models import Author, Book, Item


def missing(sender, *, missing, **kwargs):
    """Require a keyword."""


async def amissing(sender, *, missing, **kwargs):
    """Require a keyword."""


def session(sender, session, **kwargs):
    """Require a session."""


def few(sender, instance, created):
    """Accept no other keyword."""


def positional(sender, /, **kwargs):
    """Require an argument by position."""


def sends(sender, sends, **kwargs):
    """Require the sends of merged calls."""


@pytest.fixture
def connected():
    """Connect receivers of post_save, and disconnect them."""
    found = []

    def connect(receiver, **options):
        post_save.connect(receiver, sender=Author, delivery=on_commit(**options))
        found.append(receiver)

    yield connect
    for each in found:
        post_save.disconnect(each, sender=Author)


@pytest.mark.parametrize(
    ("receiver", "text"),
    [
        (
            missing,
            "requires missing, which signal django.db.models.signals.post_save was not sent with",
        ),
        (amissing, "requires missing"),
        (session, "asks for a session, and Django's database 'default' has none to give"),
        (few, "does not accept raw, signal, update_fields, using, which signal"),
        (positional, "requires one by position"),
        (sends, "requires sends"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"using": "default"}, {"outside": "refuse"}])
def test_a_save_is_refused(receiver, text, options, transactional_db, connected):
    """A save whose receiver cannot be called raises, and its transaction is rolled back."""
    connected(receiver, **options)
    with pytest.raises(ArgumentError, match=text), transaction.atomic():
        create("a")
    assert not Author.objects.exists()


@pytest.mark.parametrize("receiver", [missing, session, few])
def test_a_save_without_a_transaction(receiver, transactional_db, connected):
    """In autocommit the save is refused too, because Django saves in a block of its own."""
    connected(receiver)
    with pytest.raises(ArgumentError):
        create("a")


@pytest.mark.parametrize("receiver", [missing, amissing])
def test_asend(receiver, transactional_db):
    """`asend` in an async view refuses a receiver that cannot be called."""
    signal = DjangoSignal()
    signal.connect(receiver, delivery=on_commit)
    with pytest.raises(ArgumentError, match="requires missing"):
        asyncio.run(signal.asend(None))


def test_a_coalesced_receiver_gets_its_sends(transactional_db, connected):
    """A receiver that requires `sends` gets one for each merged save."""
    received = []

    def take(sender, sends, **kwargs):
        received.append(len(sends))

    connected(take, coalesce="instance")
    with transaction.atomic():
        create("a").save()
    assert received == [2]


def test_changes_are_given(transactional_db):
    """A tracked model gives the changes of a save to a receiver that requires them."""
    found = []

    def take(sender, changes, **kwargs):
        found.append(sorted(changes))

    post_save.connect(take, sender=Item, delivery=on_commit)
    try:
        Item.objects.create(title="a")
    finally:
        post_save.disconnect(take, sender=Item)
    assert len(found) == 1


def test_explain_names_the_session(transactional_db, connected):
    """explain names the missing session as the send does."""
    connected(session)
    with transaction.atomic():
        assert "never, because it asks for a session" in str(explain(post_save, Author))


def test_a_bulk_write(transactional_db):
    """The signal of a bulk write is declared, so only the session is left to check at the send."""

    def take(sender, session, **kwargs):
        """Require a session."""

    post_bulk_insert.connect(take, sender=Book, delivery=on_commit)
    try:
        with pytest.raises(ArgumentError, match="asks for a session"), transaction.atomic():
            Book.objects.bulk_create([Book(title="a")])
    finally:
        post_bulk_insert.disconnect(take, sender=Book)


def test_a_decorated_receiver(transactional_db, connected):
    """A decorated receiver is accepted, because its decorator may give the argument that no send gives."""
    found = []

    def inside(sender, tool, **kwargs):
        found.append(tool)

    @functools.wraps(inside)
    def with_tool(**kwargs):
        return inside(tool="mine", **kwargs)

    connected(with_tool)
    create("a")
    assert found == ["mine"]


@pytest.mark.parametrize(
    "coalesce",
    [lambda instance: 1, lambda instance, sender: 1],
    ids=["no sender", "no signal"],
)
def test_a_coalesce_function(coalesce, connected):
    """A coalesce function that accepts too little is refused at connect."""
    with pytest.raises(ArgumentError, match=r"The coalesce function .*<lambda>"):
        connected(sends, coalesce=coalesce)


def test_a_coalesce_function_that_raises(transactional_db, connected):
    """If a coalesce function raises, the error of the save has a note that names it."""
    connected(sends, coalesce=lambda missing, **kwargs: missing)
    with pytest.raises(TypeError) as caught:
        create("a")
    assert "Raised by the coalesce function " in caught.value.__notes__[0]
    assert len(caught.value.__notes__) == 1


class UnequalKey:
    """A key that cannot be compared."""

    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise TypeError("s3cret")


def test_a_key_that_cannot_be_compared(transactional_db, caplog):
    """If coalesce keys cannot be compared, the calls are not merged, which is logged."""
    found = []

    def take(sender, nth, **kwargs):
        found.append(nth)

    order_paid.connect(take, delivery=on_commit(coalesce=lambda **kwargs: UnequalKey()))
    try:
        with transaction.atomic():
            pay(create("a"), 1, 2)
    finally:
        order_paid.disconnect(take)
    assert found == [1, 2]
    assert "raised TypeError when it was compared, so this call is not merged" in caplog.text
    assert "s3cret" not in caplog.text
