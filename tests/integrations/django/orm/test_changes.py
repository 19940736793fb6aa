"""Which models are tracked, and which receivers are given the changes."""

import pytest
from django.db.models.signals import post_save
from django.dispatch import Signal as DjangoSignal

from clarion.errors import ArgumentError
from clarion.integrations.django import track_changes
from tests.integrations.django.library.models import (
    Author,
    Book,
    Item,
    Loan,
    Map,
    Novelist,
    RareItem,
)
from tests.integrations.django.orm.values import without_time
from tests.integrations.django.programs import run

pytestmark = pytest.mark.django_db


def changes_of(model, save):
    """Return the changes that post_save of a model sends while a function runs."""
    received = []
    receive = lambda changes, **kwargs: received.append(changes)  # noqa: E731
    post_save.connect(receive, sender=model)
    save()
    return [without_time(each) for each in received]


def test_proxies():
    """Proxies of a tracked model are tracked."""
    made = RareItem.objects.create(title="a")
    made.title = "b"
    assert changes_of(RareItem, made.save) == [{"title": ("a", "b")}]


def test_tables_that_are_inherited():
    """The changes include the columns of the parent's table."""
    made = Map.objects.create(title="a")
    made = Map.objects.get(pk=made.pk)
    made.title, made.scale = "b", 2
    assert changes_of(Map, made.save) == [{"title": ("a", "b"), "scale": (1, 2)}]


def test_abstract_models():
    """Models that inherit from a tracked abstract model are tracked."""
    made = Loan.objects.create(book="a")
    made.book = "b"
    assert changes_of(Loan, made.save) == [{"book": ("a", "b")}]


def test_a_model_that_exists_already():
    """track_changes() takes a third party's model, and its parent before or after it."""
    originals = {model: dict(vars(model)) for model in (Novelist, Author)}
    try:
        assert track_changes(Novelist) is Novelist
        track_changes(Author)
        replaced = Author.save_base
        track_changes(Author)
        assert Author.save_base is replaced
        assert Author.save_base.alters_data
        made = Novelist.objects.create(name="a")
        made = Novelist.objects.get(pk=made.pk)
        made.name, made.genre = "b", "none"
        assert changes_of(Novelist, made.save) == [{"name": ("a", "b"), "genre": ("crime", "none")}]
        author = Author.objects.get(pk=made.pk)
        author.name = "c"
        assert changes_of(Author, author.save) == [{"name": ("b", "c")}]
    finally:
        for model, names in originals.items():
            for name in {*vars(model)} - {*names}:
                delattr(model, name)


def test_no_model():
    """Tracking anything but the class of a model is refused, without showing the object."""
    with pytest.raises(ArgumentError, match=r"an object of .*Item, which is not a Django model\."):
        track_changes(Item())
    with pytest.raises(ArgumentError, match=r"given builtins\.int, .*\. Give it a model"):
        track_changes(int)


def test_a_model_that_is_not_tracked():
    """A receiver that requires `changes` of an untracked model is refused at the send; others get theirs."""
    received = []
    may = lambda changes="default", **kwargs: received.append(changes)  # noqa: E731
    post_save.connect(may, sender=Book)
    Book.objects.create(title="a")
    assert received == ["default"]

    def must(sender, changes, **kwargs):
        raise AssertionError

    post_save.connect(must, sender=Book)
    with pytest.raises(ArgumentError, match=r"must .*asks for changes, and .*Book does not track"):
        Book.objects.create(title="b")


def test_other_receivers_are_given_none(sent, item):
    """Receivers without the parameter, and those of other signals, are given no changes."""
    received = []
    any_keyword = lambda **kwargs: received.append(kwargs)  # noqa: E731
    post_save.connect(any_keyword, sender=Item)
    item.save()
    assert "changes" not in received[0]
    signal = DjangoSignal()
    own = lambda changes, **kwargs: received.append(changes)  # noqa: E731
    signal.connect(own)
    signal.send(None, changes="the sender's")
    assert received[1] == "the sender's"


def test_sending_by_hand(sent, item):
    """A send by hand, as packages do after a bulk write, compares with the row that was read."""
    item.title = "b"
    post_save.send(Item, instance=item, created=False)
    assert without_time(sent["post"][0]) == {"title": ("a", "b")}
    post_save.send(Item, instance=Item(title="c"), created=True, using="default")
    assert sent["post"][1]["title"] == (None, "c")


def test_methods_and_async_receivers(item):
    """Bound methods and async receivers are given the changes."""
    received = []

    class Listener:
        def receive(self, changes, **kwargs):
            received.append(without_time(changes))

    async def receive(changes, **kwargs):
        received.append(without_time(changes))

    listener = Listener()
    post_save.connect(listener.receive, sender=Item)
    post_save.connect(receive, sender=Item)
    item.title = "b"
    item.save()
    assert received == [{"title": ("a", "b")}] * 2


def test_below_a_wrapper_of_live_receivers(sent, item, monkeypatch):
    """A package that wraps each receiver, as Sentry does, calls one that is given the changes."""
    below = DjangoSignal._live_receivers

    def live_receivers(self, sender):
        return below(self, sender)

    monkeypatch.setattr(DjangoSignal, "_live_receivers", live_receivers)
    item.title = "b"
    item.save()
    assert without_time(sent["post"][0]) == {"title": ("a", "b")}


def test_receivers_connected_before_install():
    """Receivers connected to Django's own dispatcher are given the changes after install()."""
    assert run(
        """
        from django.db.models.signals import post_save
        def receive(sender, changes=None, **kwargs):
            print(dict(changes) if changes else changes)
        post_save.connect(receive)
        django.setup()
        from django.contrib.auth.models import Group
        from django.core.management import call_command
        from clarion.integrations.django import install, track_changes, uninstall
        post_save.disconnect(receive)
        call_command("migrate", verbosity=0)
        post_save.connect(receive)
        Group.objects.create(name="a")
        install()
        track_changes(Group)
        group = Group.objects.get()
        group.name = "b"
        group.save()
        uninstall()
        group.save()
        """
    ) == ["None", "{'name': Change(old='a', new='b')}", "None"]
