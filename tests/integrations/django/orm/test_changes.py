"""What a save changes is told to those who ask."""

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal as DjangoSignal

from clarion.changes import Change, Changes
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
    Shelf,
)
from tests.integrations.django.programs import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def told():
    """What `pre_save` and `post_save` have told, by the name of the signal."""
    told: dict[str, list[Any]] = {"pre": [], "post": []}

    def before(sender, changes, **kwargs):
        told["pre"].append(changes)

    def after(sender, changes=None, **kwargs):
        told["post"].append(changes)

    pre_save.connect(before, sender=Item)
    post_save.connect(after, sender=Item)
    yield told
    pre_save.disconnect(before, sender=Item)
    post_save.disconnect(after, sender=Item)


@pytest.fixture
def item(told):
    """An item that has been read, of whose making nothing is told."""
    made = Item.objects.create(title="a", price=Decimal("1.50"), stock=3, tags=["x"])
    read = Item.objects.get(pk=made.pk)
    told["pre"].clear()
    told["post"].clear()
    return read


def without(changes, *names):
    """Return the changes as a dictionary of pairs, without the time of the save."""
    return {name: tuple(pair) for name, pair in changes.items() if name not in ("at", *names)}


# Saves


def test_what_differs(told, item):
    """Old and new, by the attribute; before the write and after it."""
    item.title, item.stock = "b", 3
    item.save()
    [before], [after] = told["pre"], told["post"]
    assert without(before) == {"title": ("a", "b")}
    assert without(after) == {"title": ("a", "b")}
    assert isinstance(after["title"], Change)
    assert not after.pending
    assert not after.unknown


def test_nothing_differs(told, item):
    """A save that changes nothing tells so."""
    item.save(update_fields=["title"])
    assert told["pre"] == told["post"] == [Changes({})]
    assert told["pre"][0] is told["post"][0]


def test_one_object_while_it_is_the_same(told, item):
    """All receivers of a save are given the same, unless one has changed the object."""
    heard = []
    hear = lambda changes, **kwargs: heard.append(changes)  # noqa: E731
    pre_save.connect(hear, sender=Item)
    post_save.connect(hear, sender=Item)
    item.title = "b"
    item.save(update_fields=["title"])
    assert heard[0] is heard[1] is told["pre"][0] is told["post"][0]


def test_what_a_receiver_changes(told, item):
    """`post_save` tells what was written, also what `pre_save` could not know."""

    def slugify(instance, **kwargs):
        instance.title = "by a receiver"

    pre_save.connect(slugify, sender=Item)
    item.stock = 4
    item.save()
    assert without(told["pre"][0]) == {"stock": (3, 4)}
    assert without(told["post"][0]) == {"stock": (3, 4), "title": ("a", "by a receiver")}
    assert "at" in told["post"][0]  # auto_now
    assert "at" not in told["pre"][0]


def test_a_new_row(told):
    """All is new: old is None. The key is pending until the row is there."""
    made = Item.objects.create(title="a")
    [before], [after] = told["pre"], told["post"]
    assert "id" in before.pending
    assert before["title"] == (None, "a")
    assert after["id"] == (None, made.pk)
    assert after["title"] == (None, "a")
    assert after["shelf_id"] == (None, None)
    assert not after.pending


def test_the_next_save(told, item):
    """Each save tells what it changes itself, be it in one transaction."""
    with transaction.atomic():
        for title in "bc":
            item.title = title
            item.save()
    assert [without(each) for each in told["post"]] == [
        {"title": ("a", "b")},
        {"title": ("b", "c")},
    ]


def test_a_save_amid_a_save(told, item):
    """A receiver that saves the object again; the outer save goes on telling its own."""

    def again(sender, instance, **kwargs):
        if instance.stock == 3:
            instance.stock = 4
            instance.save()

    heard = []
    last = lambda changes, **kwargs: heard.append(without(changes))  # noqa: E731
    post_save.connect(again, sender=Item, priority=5)
    post_save.connect(last, sender=Item, priority=-5)
    item.title = "b"
    item.save()
    assert heard == [{"stock": (3, 4)}, {"title": ("a", "b")}]


def test_update_fields(told, item):
    """Only these are written, hence told; the others are told when they are."""
    item.title, item.stock = "b", 4
    item.save(update_fields=["title"])
    assert without(told["pre"][0]) == without(told["post"][0]) == {"title": ("a", "b")}
    item.save()
    assert without(told["post"][1]) == {"stock": (3, 4)}


def test_update_fields_by_either_name(told, item):
    """A foreign key by its field or by its attribute."""
    shelf = Shelf.objects.create(name="s")
    item.shelf = shelf
    item.save(update_fields=["shelf"])
    item.shelf = None
    item.save(update_fields=["shelf_id"])
    assert [dict(each) for each in told["post"]] == [
        {"shelf_id": (None, shelf.pk)},
        {"shelf_id": (shelf.pk, None)},
    ]


def test_text_that_stands_for_the_same(told, item):
    """Values are compared as the field understands them."""
    item.price = "1.50"
    item.save()
    assert without(told["post"][0]) == {}
    item.price = "2.50"
    item.save()
    assert without(told["post"][1]) == {"price": ("1.50", "2.50")}


def test_a_value_that_is_changed_in_its_place(told, item):
    """What can be changed so is copied."""
    item.tags.append("y")
    item.save()
    [changes] = told["post"]
    item.tags.append("z")
    assert without(changes) == {"tags": (["x"], ["x", "y"])}


def test_expressions(told, item):
    """What the database works out is pending, until Django has read it back."""
    item.stock = F("stock") + 1
    item.save()
    assert told["pre"][0].pending == {"stock"}
    assert "stock" not in told["pre"][0]
    [after] = told["post"]
    if after.pending:  # Django 5.2
        assert after.pending == {"stock"}
        item.refresh_from_db()
    else:
        assert after["stock"] == (3, 4)
    item.stock = 5
    item.save()
    assert told["post"][1]["stock"] == (4, 5)


def test_an_expression_that_was_not_read_back(told, item, monkeypatch):
    """The old value is not known then, and is told to be so."""
    monkeypatch.setattr(
        type(connection.features), "can_return_rows_from_update", False, raising=False
    )
    monkeypatch.setattr(connection.features, "can_return_rows_from_update", False, raising=False)
    item.stock = F("stock") + 1
    item.save()
    assert told["post"][0].pending == {"stock"}
    item.stock = 9
    item.save()
    assert told["post"][1]["stock"] == (None, 9)
    assert told["post"][1].unknown == {"stock"}


def test_a_failed_write_changes_nothing(told, item):
    """What was not written is told again by the next save."""
    item.title = "b"
    item.stock = None
    with pytest.raises(IntegrityError), transaction.atomic():
        item.save()
    item.stock = 3
    item.save()
    assert without(told["post"][0]) == {"title": ("a", "b")}


def test_files_are_told_by_their_names(told, item, settings, tmp_path):
    """A file's object holds the row's, and is no value."""
    settings.MEDIA_ROOT = tmp_path
    item.scan.save("scan.txt", ContentFile(b"text"))
    assert without(told["post"][0]) == {"scan": ("", "scans/scan.txt")}
    item.save()
    assert without(told["post"][1]) == {}


# Rows that are read


def test_deferred_fields(told, item):
    """What was not read is not written either, unless it was set: then its old value is unknown."""
    partial = Item.objects.only("title").get(pk=item.pk)
    partial.title = "b"
    partial.save()
    assert without(told["post"][0]) == {"title": ("a", "b")}
    partial.stock = 9
    partial.save()
    assert without(told["post"][1]) == {"stock": (None, 9)}
    assert told["post"][1].unknown == {"stock"}
    partial.stock = 10
    partial.save()
    assert without(told["post"][2]) == {"stock": (9, 10)}


def test_a_deferred_field_that_is_read_later(told, item):
    """Reading it makes it known."""
    partial = Item.objects.defer("stock").get(pk=item.pk)
    partial.stock += 1
    partial.save(update_fields=["stock"])
    assert dict(told["post"][0]) == {"stock": (3, 4)}


def test_refresh_from_db(told, item):
    """What is read again is what the row has; of named fields, those."""
    Item.objects.filter(pk=item.pk).update(title="z", stock=7)
    item.title = item.stock = None
    item.refresh_from_db(fields=iter(["title"]))
    item.stock = 8
    item.save()
    assert without(told["post"][0]) == {"stock": (3, 8)}
    item.title = "y"
    item.refresh_from_db()
    item.title = "x"
    item.save()
    assert without(told["post"][1]) == {"title": ("z", "x")}


def test_an_object_made_by_hand(told, item):
    """It updates a row that nobody has read."""
    Item(pk=item.pk, title="b").save()
    [after] = told["post"]
    assert after["title"] == (None, "b")
    assert "title" in after.unknown
    assert "id" not in after


def test_another_row(told, item):
    """A changed key, or another database, is another row."""
    known = item.pk
    other = Item.objects.create(title="other")
    item.pk = other.pk
    item.save()
    assert "title" in told["post"][-1].unknown
    item.pk, item._state.adding = None, True
    item.save()
    assert told["post"][-1]["title"] == (None, "a")
    assert not told["post"][-1].unknown
    assert item.pk != known


def test_a_deleted_object(told, item):
    """Saving it makes a new row."""
    item.delete()
    item.save()
    assert told["post"][0]["title"] == (None, "a")
    assert not told["post"][0].unknown
    gone = Item.objects.get(pk=item.pk)
    Item.objects.all().delete()
    gone.title = "b"
    gone.save()
    assert told["post"][1]["title"] == (None, "b")


def test_raw_saves(told, item):
    """A fixture is written over the row, whatever was in it."""
    item.title = "from a fixture"
    text = serializers.serialize("json", [item])
    for loaded in serializers.deserialize("json", text):
        loaded.save()
    assert told["post"][0]["title"] == (None, "from a fixture")
    assert "title" in told["post"][0].unknown


def test_bulk_writes_are_not_seen(told, item):
    """They send nothing; what they have made of a row is known once it is read."""
    [made] = Item.objects.bulk_create([Item(title="b")])
    made.title = "c"
    made.save()
    assert "title" in told["post"][0].unknown
    item.title = "b"
    Item.objects.bulk_update([item], ["title"])
    item.save()
    assert without(told["post"][1]) == {"title": ("a", "b")}


def test_copies_and_pickles_remember(told, item):
    """As the object itself, and independently of it."""
    unpickled = pickle.loads(pickle.dumps(item))  # noqa: S301
    for other in (copy.copy(item), copy.deepcopy(item), unpickled):
        other.title = "b"
        other.save()
        assert without(told["post"][-1]) == {"title": ("a", "b")}
    item.title = "c"
    item.save()
    assert without(told["post"][-1]) == {"title": ("a", "c")}


# Models


def heard_of(model, save):
    """Return what post_save of a model tells while a function runs."""
    heard = []
    hear = lambda changes, **kwargs: heard.append(changes)  # noqa: E731
    post_save.connect(hear, sender=model)
    save()
    return [without(each) for each in heard]


def test_proxies():
    """They are tracked with their model."""
    made = RareItem.objects.create(title="a")
    made.title = "b"
    assert heard_of(RareItem, made.save) == [{"title": ("a", "b")}]


def test_tables_that_are_inherited():
    """All columns are told, of whatever table."""
    made = Map.objects.create(title="a")
    made = Map.objects.get(pk=made.pk)
    made.title, made.scale = "b", 2
    assert heard_of(Map, made.save) == [{"title": ("a", "b"), "scale": (1, 2)}]


def test_abstract_models():
    """Those that inherit from a tracked one are tracked."""
    made = Loan.objects.create(book="a")
    made.book = "b"
    assert heard_of(Loan, made.save) == [{"book": ("a", "b")}]


def test_a_model_that_is_there():
    """A third party's, say; its parent, too, in whatever order."""
    originals = {model: dict(vars(model)) for model in (Novelist, Author)}
    try:
        assert track_changes(Novelist) is Novelist
        track_changes(Author)
        stand_in = Author.save_base
        track_changes(Author)
        assert Author.save_base is stand_in
        assert Author.save_base.alters_data
        made = Novelist.objects.create(name="a")
        made = Novelist.objects.get(pk=made.pk)
        made.name, made.genre = "b", "none"
        assert heard_of(Novelist, made.save) == [{"name": ("a", "b"), "genre": ("crime", "none")}]
        author = Author.objects.get(pk=made.pk)
        author.name = "c"
        assert heard_of(Author, author.save) == [{"name": ("b", "c")}]
    finally:
        for model, names in originals.items():
            for name in {*vars(model)} - {*names}:
                delattr(model, name)


def test_no_model():
    """Nothing else can be tracked."""
    with pytest.raises(
        ArgumentError, match=r"is no model of Django's. Give track_changes the class"
    ):
        track_changes(Item())


# Receivers


def test_a_model_that_is_not_tracked():
    """Who needs them is refused at the send, with what to do; who does not gets the default."""
    heard = []
    may = lambda changes="default", **kwargs: heard.append(changes)  # noqa: E731
    post_save.connect(may, sender=Book)
    Book.objects.create(title="a")
    assert heard == ["default"]

    def must(sender, changes, **kwargs):
        raise AssertionError

    post_save.connect(must, sender=Book)
    with pytest.raises(ArgumentError, match=r"must .*asks for changes, and .*Book does not track"):
        Book.objects.create(title="b")


def test_nobody_else_is_given_any(told, item):
    """Neither receivers that do not ask, nor those of other signals."""
    heard = []
    any_keyword = lambda **kwargs: heard.append(kwargs)  # noqa: E731
    post_save.connect(any_keyword, sender=Item)
    item.save()
    assert "changes" not in heard[0]
    signal = DjangoSignal()
    own = lambda changes, **kwargs: heard.append(changes)  # noqa: E731
    signal.connect(own)
    signal.send(None, changes="the sender's")
    assert heard[1] == "the sender's"


def test_who_sends_by_hand(told, item):
    """As packages do after a bulk write: what differs from the row as it was read."""
    item.title = "b"
    post_save.send(Item, instance=item, created=False)
    assert without(told["post"][0]) == {"title": ("a", "b")}
    post_save.send(Item, instance=Item(title="c"), created=True, using="default")
    assert told["post"][1]["title"] == (None, "c")


def test_methods_and_async_receivers(item):
    """Whatever can be a receiver can ask."""
    heard = []

    class Hearer:
        def hear(self, changes, **kwargs):
            heard.append(without(changes))

    async def hear(changes, **kwargs):
        heard.append(without(changes))

    hearer = Hearer()
    post_save.connect(hearer.hear, sender=Item)
    post_save.connect(hear, sender=Item)
    item.title = "b"
    item.save()
    assert heard == [{"title": ("a", "b")}] * 2


def test_below_a_wrapper_of_live_receivers(told, item, monkeypatch):
    """Whoever wraps each receiver, as Sentry does, calls one that has been given them."""
    below = DjangoSignal._live_receivers

    def live_receivers(self, sender):
        return below(self, sender)

    monkeypatch.setattr(DjangoSignal, "_live_receivers", live_receivers)
    item.title = "b"
    item.save()
    assert without(told["post"][0]) == {"title": ("a", "b")}


def test_receivers_from_before_the_take_over():
    """What was connected to Django's own dispatcher is given them from then on."""
    assert run(
        """
        from django.db.models.signals import post_save
        def hear(sender, changes=None, **kwargs):
            print(dict(changes) if changes else changes)
        post_save.connect(hear)
        django.setup()
        from django.contrib.auth.models import Group
        from django.core.management import call_command
        from clarion.integrations.django import install, track_changes, uninstall
        post_save.disconnect(hear)
        call_command("migrate", verbosity=0)
        post_save.connect(hear)
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
