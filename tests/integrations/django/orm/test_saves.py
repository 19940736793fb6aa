"""The changes of a save, before the write and after it."""

import copy
import pickle

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.signals import post_save, pre_save

from clarion.changes import Change, Changes
from tests.integrations.django.library.models import Item, Shelf
from tests.integrations.django.orm.values import without_time

pytestmark = pytest.mark.django_db


def test_differences(sent, item):
    """The changes have the old and the new value of each attribute that differs."""
    item.title, item.stock = "b", 3
    item.save()
    [before], [after] = sent["pre"], sent["post"]
    assert without_time(before) == {"title": ("a", "b")}
    assert without_time(after) == {"title": ("a", "b")}
    assert isinstance(after["title"], Change)
    assert not after.pending
    assert not after.unknown


def test_nothing_differs(sent, item):
    """The changes of a save that changes nothing are empty."""
    item.save(update_fields=["title"])
    assert sent["pre"] == sent["post"] == [Changes({})]
    assert sent["pre"][0] is sent["post"][0]


def test_one_object_while_it_is_the_same(sent, item):
    """All receivers of a save are given one object, unless a receiver has changed the instance."""
    received = []
    receive = lambda changes, **kwargs: received.append(changes)  # noqa: E731
    pre_save.connect(receive, sender=Item)
    post_save.connect(receive, sender=Item)
    item.title = "b"
    item.save(update_fields=["title"])
    assert received[0] is received[1] is sent["pre"][0] is sent["post"][0]


def test_changes_by_a_receiver(sent, item):
    """`post_save` sends the values that were written, with changes by receivers of `pre_save`."""

    def slugify(instance, **kwargs):
        instance.title = "by a receiver"

    pre_save.connect(slugify, sender=Item)
    item.stock = 4
    item.save()
    assert without_time(sent["pre"][0]) == {"stock": (3, 4)}
    assert without_time(sent["post"][0]) == {"stock": (3, 4), "title": ("a", "by a receiver")}
    assert "at" in sent["post"][0]  # auto_now
    assert "at" not in sent["pre"][0]


def test_a_new_row(sent):
    """Each old value of a new row is None; the key is pending until the row is written."""
    made = Item.objects.create(title="a")
    [before], [after] = sent["pre"], sent["post"]
    assert "id" in before.pending
    assert before["title"] == (None, "a")
    assert after["id"] == (None, made.pk)
    assert after["title"] == (None, "a")
    assert after["shelf_id"] == (None, None)
    assert not after.pending


def test_the_next_save(sent, item):
    """Each save sends its own changes, several in one transaction too."""
    with transaction.atomic():
        for title in "bc":
            item.title = title
            item.save()
    assert [without_time(each) for each in sent["post"]] == [
        {"title": ("a", "b")},
        {"title": ("b", "c")},
    ]


def test_a_save_inside_a_save(sent, item):
    """A receiver saves the object again; the outer save still sends its own changes."""

    def again(sender, instance, **kwargs):
        if instance.stock == 3:
            instance.stock = 4
            instance.save()

    received = []
    last = lambda changes, **kwargs: received.append(without_time(changes))  # noqa: E731
    post_save.connect(again, sender=Item, priority=5)
    post_save.connect(last, sender=Item, priority=-5)
    item.title = "b"
    item.save()
    assert received == [{"stock": (3, 4)}, {"title": ("a", "b")}]


def test_update_fields(sent, item):
    """Only the named fields are written and sent; the others are sent when they are written."""
    item.title, item.stock = "b", 4
    item.save(update_fields=["title"])
    assert without_time(sent["pre"][0]) == without_time(sent["post"][0]) == {"title": ("a", "b")}
    item.save()
    assert without_time(sent["post"][1]) == {"stock": (3, 4)}


def test_update_fields_by_either_name(sent, item):
    """A foreign key is named by its field or by its attribute."""
    shelf = Shelf.objects.create(name="s")
    item.shelf = shelf
    item.save(update_fields=["shelf"])
    item.shelf = None
    item.save(update_fields=["shelf_id"])
    assert [dict(each) for each in sent["post"]] == [
        {"shelf_id": (None, shelf.pk)},
        {"shelf_id": (shelf.pk, None)},
    ]


def test_text_that_is_equal_as_a_decimal(sent, item):
    """Values are compared after the field's own conversion."""
    item.price = "1.50"
    item.save()
    assert without_time(sent["post"][0]) == {}
    item.price = "2.50"
    item.save()
    assert without_time(sent["post"][1]) == {"price": ("1.50", "2.50")}


def test_a_value_that_is_changed_in_its_place(sent, item):
    """A value that is changed in place is reported, because Clarion compares with a copy."""
    item.tags.append("y")
    item.save()
    [changes] = sent["post"]
    item.tags.append("z")
    assert without_time(changes) == {"tags": (["x"], ["x", "y"])}


def test_expressions(sent, item):
    """A value that the database computes is pending until Django has read it back."""
    item.stock = F("stock") + 1
    item.save()
    assert sent["pre"][0].pending == {"stock"}
    assert "stock" not in sent["pre"][0]
    [after] = sent["post"]
    if after.pending:  # Django 5.2
        assert after.pending == {"stock"}
        item.refresh_from_db()
    else:
        assert after["stock"] == (3, 4)
    item.stock = 5
    item.save()
    assert sent["post"][1]["stock"] == (4, 5)


def test_an_expression_that_was_not_read_back(sent, item, monkeypatch):
    """After an expression that was not read back, the old value of the next save is unknown."""
    monkeypatch.setattr(
        type(connection.features), "can_return_rows_from_update", False, raising=False
    )
    monkeypatch.setattr(connection.features, "can_return_rows_from_update", False, raising=False)
    item.stock = F("stock") + 1
    item.save()
    assert sent["post"][0].pending == {"stock"}
    item.stock = 9
    item.save()
    assert sent["post"][1]["stock"] == (None, 9)
    assert sent["post"][1].unknown == {"stock"}


def test_a_failed_write_changes_nothing(sent, item):
    """Changes of a failed save are sent again by the next one."""
    item.title = "b"
    item.stock = None
    with pytest.raises(IntegrityError), transaction.atomic():
        item.save()
    item.stock = 3
    item.save()
    assert without_time(sent["post"][0]) == {"title": ("a", "b")}


def test_files_are_compared_by_their_names(sent, item, settings, tmp_path):
    """The value of a file is its name, because the file object refers to the instance."""
    settings.MEDIA_ROOT = tmp_path
    item.scan.save("scan.txt", ContentFile(b"text"))
    assert without_time(sent["post"][0]) == {"scan": ("", "scans/scan.txt")}
    item.save()
    assert without_time(sent["post"][1]) == {}


def test_deferred_fields(sent, item):
    """A deferred field is written only if it was set; its old value is unknown."""
    partial = Item.objects.only("title").get(pk=item.pk)
    partial.title = "b"
    partial.save()
    assert without_time(sent["post"][0]) == {"title": ("a", "b")}
    partial.stock = 9
    partial.save()
    assert without_time(sent["post"][1]) == {"stock": (None, 9)}
    assert sent["post"][1].unknown == {"stock"}
    partial.stock = 10
    partial.save()
    assert without_time(sent["post"][2]) == {"stock": (9, 10)}


def test_a_deferred_field_that_is_read_later(sent, item):
    """The old value of a deferred field is known once it was read."""
    partial = Item.objects.defer("stock").get(pk=item.pk)
    partial.stock += 1
    partial.save(update_fields=["stock"])
    assert dict(sent["post"][0]) == {"stock": (3, 4)}


def test_refresh_from_db(sent, item):
    """The values read again replace the remembered ones, for the named fields only."""
    Item.objects.filter(pk=item.pk).update(title="z", stock=7)
    item.title = item.stock = None
    item.refresh_from_db(fields=iter(["title"]))
    item.stock = 8
    item.save()
    assert without_time(sent["post"][0]) == {"stock": (3, 8)}
    item.title = "y"
    item.refresh_from_db()
    item.title = "x"
    item.save()
    assert without_time(sent["post"][1]) == {"title": ("z", "x")}


def test_an_object_made_by_hand(sent, item):
    """The old values of a row that was not read are unknown."""
    Item(pk=item.pk, title="b").save()
    [after] = sent["post"]
    assert after["title"] == (None, "b")
    assert "title" in after.unknown
    assert "id" not in after


def test_another_row(sent, item):
    """An object whose key was changed is another row."""
    known = item.pk
    other = Item.objects.create(title="other")
    item.pk = other.pk
    item.save()
    assert "title" in sent["post"][-1].unknown
    item.pk, item._state.adding = None, True
    item.save()
    assert sent["post"][-1]["title"] == (None, "a")
    assert not sent["post"][-1].unknown
    assert item.pk != known


def test_a_deleted_object(sent, item):
    """Saving a deleted object writes a new row."""
    item.delete()
    item.save()
    assert sent["post"][0]["title"] == (None, "a")
    assert not sent["post"][0].unknown
    gone = Item.objects.get(pk=item.pk)
    Item.objects.all().delete()
    gone.title = "b"
    gone.save()
    assert sent["post"][1]["title"] == (None, "b")


def test_raw_saves(sent, item):
    """A raw save, as of a fixture, does not read the row that it overwrites."""
    item.title = "from a fixture"
    text = serializers.serialize("json", [item])
    for loaded in serializers.deserialize("json", text):
        loaded.save()
    assert sent["post"][0]["title"] == (None, "from a fixture")
    assert "title" in sent["post"][0].unknown


def test_bulk_writes_are_not_seen(sent, item):
    """Bulk writes send no changes; the row that they wrote is unknown until it is read."""
    [made] = Item.objects.bulk_create([Item(title="b")])
    made.title = "c"
    made.save()
    assert "title" in sent["post"][0].unknown
    item.title = "b"
    Item.objects.bulk_update([item], ["title"])
    item.save()
    assert without_time(sent["post"][1]) == {"title": ("a", "b")}


def test_copies_and_pickles_remember(sent, item):
    """A copy remembers the row, independently of the original."""
    unpickled = pickle.loads(pickle.dumps(item))  # noqa: S301
    for other in (copy.copy(item), copy.deepcopy(item), unpickled):
        other.title = "b"
        other.save()
        assert without_time(sent["post"][-1]) == {"title": ("a", "b")}
    item.title = "c"
    item.save()
    assert without_time(sent["post"][-1]) == {"title": ("a", "c")}
