"""The `changes` of deletions, and of saves that one call after the commit merges."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver

from clarion import on_commit
from clarion.errors import ArgumentError
from tests.integrations.django.library.models import Book, Item, Map, RareItem, Shelf
from tests.integrations.django.orm.values import without_time

pytestmark = pytest.mark.django_db(transaction=True)


def keep(*signals, sender=Item, **options):
    """Connect a receiver that keeps the changes of its calls."""
    kept = []

    @receiver(signals, sender=sender, weak=False, **options)
    def receive(changes, **kwargs):
        kept.append(changes)

    return kept


def merged(*signals, sender=Item, by=lambda **kw: "all"):
    """Connect a receiver that is called once for each commit."""
    return keep(*signals, sender=sender, delivery=on_commit(coalesce=by))


def of_id(instance, **kwargs):
    """Coalesce by the row."""
    return instance.pk


class TestDeletions:
    """Each attribute changes from its last value in the row to None."""

    @pytest.mark.parametrize("signal", [pre_delete, post_delete])
    def test_last_values(self, signal):
        """The last values of a deletion are those of the row, not what was assigned since."""
        made = Item.objects.create(title="a", stock=3, tags=["x"])
        key, kept = made.pk, keep(signal)
        made.title = "not saved"
        made.tags.append("not saved")
        made.delete()
        [changes] = kept
        assert without_time(changes) == {
            "id": (key, None),
            "title": ("a", None),
            "price": (Decimal(1), None),
            "stock": (3, None),
            "tags": (["x"], None),
            "scan": ("", None),
            "shelf_id": (None, None),
        }
        assert not changes.unknown

    def test_queryset_and_cascade(self):
        """The objects that Django loads for a deletion have last values, too."""
        shelf = Shelf.objects.create(name="s")
        for title in "ab":
            Item.objects.create(title=title, shelf=shelf)
        kept = keep(post_delete)
        Item.objects.all().delete()
        assert sorted(each["title"].old for each in kept) == ["a", "b"]

    def test_after_the_commit(self):
        """After the commit the last values are those of the send."""
        Item.objects.create(title="a")
        kept = keep(post_delete, delivery=on_commit)
        with transaction.atomic():
            Item.objects.get().delete()
            assert kept == []
        assert kept[0]["title"] == ("a", None)

    def test_rows_with_several_tables(self):
        """The parent's send has the parent's columns, and the send of a proxy has all columns."""
        Map.objects.create(title="a", scale=4)
        child, parent = keep(post_delete, sender=Map), keep(post_delete, sender=Item)
        Map.objects.get().delete()
        assert child[0]["scale"] == (4, None)
        assert parent[0]["title"] == ("a", None)
        assert "scale" not in parent[0]
        Item.objects.create(title="b")
        proxy = keep(post_delete, sender=RareItem)
        RareItem.objects.get().delete()
        assert proxy[0]["title"] == ("b", None)

    def test_unknown_values(self):
        """The last value of a deferred field, and of an object that was not read, is unknown."""
        made = Item.objects.create(title="a")
        kept = keep(post_delete)
        Item.objects.only("stock").get().delete()
        assert "title" in kept[0].unknown
        assert kept[0]["title"] == (None, None)
        assert kept[0]["stock"] == (0, None)
        Item(pk=made.pk, title="b").delete()
        assert kept[1].unknown == {*kept[1]}

    def test_model_that_is_not_tracked(self):
        """For a model that is not tracked, the receiver is refused or gets its default, as for saves."""
        keep(post_delete, sender=Book)
        Book.objects.create(title="a")
        with pytest.raises(ArgumentError, match="Book does not track"):
            Book.objects.get().delete()

    def test_without_a_request_there_is_none(self):
        """Receivers that do not request changes get no other arguments than before."""
        received = []
        take = lambda **kwargs: received.append(set(kwargs))  # noqa: E731
        post_delete.connect(take, sender=Item)
        Item.objects.create(title="a")
        Item.objects.get().delete()
        assert received == [{"signal", "sender", "instance", "using", "origin"}]


class TestMergedSaves:
    """A receiver with `coalesce` gets the changes from before the first save to the last."""

    def test_two_fields_in_two_saves(self):
        """A field in both saves has its first old and its last new value."""
        made = Item.objects.create(title="a")
        kept = merged(post_save, by=of_id)
        with transaction.atomic():
            made.title, made.stock = "b", 1
            made.save()
            made.title = "c"
            made.price = Decimal("2.50")
            made.save()
        assert [without_time(each) for each in kept] == [
            {"title": ("a", "c"), "stock": (0, 1), "price": (Decimal(1), Decimal("2.50"))}
        ]

    def test_field_that_returns_to_its_first_value(self):
        """A field that returns to its first value, as its own comparison says, is left out."""
        made = Item.objects.create(title="a", price=Decimal("1.50"))
        kept = merged(post_save, by=of_id)
        with transaction.atomic():
            for title, price in (("b", Decimal(2)), ("a", "1.50")):
                made.title, made.price = title, price
                made.save()
        assert [without_time(each) for each in kept] == [{}]

    def test_created_then_updated(self):
        """For a new row the old values are None and the new ones the last, by another object, too."""
        kept = merged(post_save, by=of_id)
        with transaction.atomic():
            Item.objects.create(title="a")
            again = Item.objects.get()
            again.title = "b"
            again.save()
        [changes] = kept
        assert changes["title"] == (None, "b")
        assert changes["stock"] == (None, 0)
        assert changes["id"].old is None

    def test_before_the_row_is_made(self):
        """Saves are merged, although the object of `pre_save` has no key yet."""
        kept = merged(pre_save)
        with transaction.atomic():
            made = Item(title="a")
            made.save()
            made.title = "b"
            made.save()
        assert [each["title"] for each in kept] == [(None, "b")]

    def test_saved_then_deleted(self):
        """A delivery of both signals gets the first old value and None."""
        made = Item.objects.create(title="a", stock=3)
        kept = merged(post_save, post_delete)
        with transaction.atomic():
            made.title = "b"
            made.save()
            made.delete()
        [changes] = kept
        assert changes["title"] == ("a", None)
        assert changes["stock"] == (3, None)

    def test_several_rows(self):
        """Only the changes of the row of the last send are merged."""
        one, other = (Item.objects.create(title=title) for title in "ax")
        kept = merged(post_save)
        with transaction.atomic():
            for made, title in ((one, "b"), (other, "y"), (one, "c")):
                made.title = title
                made.save()
        assert [without_time(each) for each in kept] == [{"title": ("a", "c")}]

    def test_one_object_saved_as_two_rows(self):
        """The changes of one object that is saved as two rows are not merged."""
        made = Item.objects.create(title="a")
        kept = merged(post_save)
        with transaction.atomic():
            made.title = "b"
            made.save()
            made.pk = None
            made.title = "c"
            made.save()
        assert [each["title"] for each in kept] == [(None, "c")]

    def test_each_send_has_its_own(self):
        """`sends` has the changes of each save."""
        made, seen = Item.objects.create(title="a"), []

        @receiver(post_save, sender=Item, delivery=on_commit(coalesce=of_id), weak=False)
        def receive(changes, sends, **kwargs):
            seen.append(changes["title"])
            seen.extend(each["changes"]["title"] for each in sends)

        with transaction.atomic():
            for title in "bc":
                made.title = title
                made.save()
        assert seen == [("a", "c"), ("a", "b"), ("b", "c")]

    def test_rolled_back_savepoint(self):
        """Changes of a savepoint that is rolled back are not merged."""
        made = Item.objects.create(title="a")
        kept = merged(post_save, by=of_id)
        with transaction.atomic():
            made.title = "b"
            made.save()
            with transaction.atomic():
                made.stock = 7
                made.save()
                transaction.set_rollback(True)
            Item.objects.filter(pk=made.pk).update(stock=0)
        assert [without_time(each) for each in kept] == [{"title": ("a", "b")}]

    def test_expressions(self):
        """The merged changes have a value that the database computes, or it stays pending."""
        made = Item.objects.create(title="a", stock=3)
        kept = merged(post_save, by=of_id)
        with transaction.atomic():
            made.title = "b"
            made.save()
            made.stock = F("stock") + 1
            made.save(update_fields=["stock"])
        [changes] = kept
        assert changes["title"] == ("a", "b")
        assert "stock" in changes.pending or changes["stock"] == (3, 4)

    def test_model_that_is_not_tracked(self):
        """For a model that is not tracked, a merged call gets the receiver's default."""
        seen = []

        @receiver(post_save, sender=Book, delivery=on_commit(coalesce=of_id), weak=False)
        def receive(changes="default", **kwargs):
            seen.append(changes)

        with transaction.atomic():
            made = Book.objects.create(title="a")
            made.save()
        assert seen == ["default"]
