"""Each kind of value in an instance that is changed between its send and the commit."""

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.utils.functional import SimpleLazyObject

from clarion import Signal, on_commit
from tests.integrations.django.commit.sends import create, order_paid
from tests.integrations.django.library.models import Author, Book, Item, Novelist, Shelf


@pytest.fixture
def received():
    """Connect a receiver of order_paid after the commit, and return its instances."""
    instances = []

    def receive(sender, instance, **kwargs):
        instances.append(instance)

    order_paid.connect(receive, delivery=on_commit)
    yield instances
    order_paid.disconnect(receive)


def test_a_list_that_is_changed_in_place(database, received):
    """If a list changes in place, the copy has the list of the send, and the object the new one."""
    item = Item.objects.using(database).create(title="a", tags=["old"])
    with transaction.atomic(database):
        order_paid.send(None, instance=item)
        item.tags.append("new")
    assert received[0].tags == ["old"]
    assert item.tags == ["old", "new"]


def test_a_refreshed_object(database, received):
    """The copy has the unsaved value; an object that is refreshed to equal values is passed itself."""
    item = Item.objects.using(database).create(title="row")
    with transaction.atomic(database):
        order_paid.send(None, instance=item)
        item.title = "unsaved"
        order_paid.send(None, instance=item)
        item.refresh_from_db()
    assert [each.title for each in received] == ["row", "unsaved"]
    assert [each is item for each in received] == [True, False]


def test_an_expression(transactional_db, received):
    """A number that the database computes is compared and passed as it was."""
    item = Item.objects.create(title="a", stock=1)
    with transaction.atomic():
        order_paid.send(None, instance=item)
        item.stock = F("stock") + 1
        item.save()
        item.refresh_from_db()
        order_paid.send(None, instance=item)
    assert [each.stock for each in received] == [1, 2]


def test_an_unsaved_relation(transactional_db, received):
    """Saving the related object is no change, but another object in its place is one."""
    item = Item(title="a", shelf=Shelf(name="first"))
    with transaction.atomic():
        order_paid.send(None, instance=item)
        item.shelf.save()
        item.save()
    assert received[0] is item
    other = Item(title="b", shelf=Shelf(name="first"))
    with transaction.atomic():
        order_paid.send(None, instance=other)
        other.shelf = Shelf(name="second")
    assert received[1].shelf.name == "first"


def test_a_relation_that_is_changed(transactional_db, received):
    """The copy has the related object and its key as they were at the send."""
    first, second = Shelf.objects.create(name="first"), Shelf.objects.create(name="second")
    item = Item.objects.create(title="a", shelf=first)
    with transaction.atomic():
        order_paid.send(None, instance=item)
        item.shelf = second
    assert (received[0].shelf, received[0].shelf_id) == (first, first.pk)
    assert item.shelf is second


def test_a_deferred_field(transactional_db, received):
    """A field that was not loaded is loaded when the receiver reads it."""
    Author.objects.create(name="row")
    author = Author.objects.defer("name").get()
    with transaction.atomic():
        order_paid.send(None, instance=author)
        author.name = "unsaved"
    assert "name" not in received[0].__dict__
    assert received[0].name == "row"


def test_an_attribute_without_a_column(transactional_db, received):
    """Attributes without a column are as of the send; one that cannot be compared counts as changed."""

    class Odd:  # noqa: PLW1641  # it has no hash
        def __eq__(self, other):
            raise ValueError("no")

    author = create("a")
    author.note, author.odd = "old", Odd()
    with transaction.atomic():
        order_paid.send(None, instance=author)
        author.note, author.odd = "new", Odd()
    assert received[0].note == "old"


def test_a_child_with_two_tables(transactional_db, received):
    """The copy of an object with two tables has the parent's attributes, too."""
    author = Novelist.objects.create(name="a", genre="crime")
    with transaction.atomic():
        order_paid.send(None, instance=author)
        author.name, author.genre = "b", "romance"
    assert (received[0].name, received[0].genre) == ("a", "crime")


def test_many_to_many(transactional_db):
    """The instance of m2m_changed is as of the send."""
    titles = []
    receive = lambda instance, action, **kwargs: titles.append((action, instance.title))  # noqa: E731
    m2m_changed.connect(receive, sender=Book.authors.through, delivery=on_commit)
    author = create("a")
    with transaction.atomic():
        book = Book.objects.create(title="old")
        book.authors.add(author)
        book.title = "new"
        book.authors.clear()
    actions = ["pre_add", "post_add", "pre_clear", "post_clear"]
    assert titles == list(zip(actions, ["old", "old", "new", "new"], strict=True))


def test_the_origin_of_a_deletion(transactional_db):
    """After a deletion `origin` and `instance` are one object, with its key."""
    deleted = []

    def receive(instance, origin, **kwargs):
        deleted.append((instance.pk, origin is instance))

    author = create("a")
    pk = author.pk
    post_delete.connect(receive, sender=Author, delivery=on_commit)
    with transaction.atomic():
        author.delete()
    assert deleted == [(pk, True)]


def test_a_file(transactional_db, settings, tmp_path):
    """A file that its save stores is the object's; a replaced one is as of the send."""
    settings.MEDIA_ROOT = tmp_path
    saved = []
    for signal in (pre_save, post_save):
        signal.connect(
            lambda instance, **kwargs: saved.append(instance.scan.name),
            sender=Item,
            delivery=on_commit,
            weak=False,
        )
    with transaction.atomic():
        item = Item(title="a")
        item.scan.save("old.txt", ContentFile("x"), save=False)
        item.save()
        item.scan = "scans/new.txt"
    assert saved == ["scans/old.txt", "scans/old.txt"]
    assert item.scan.name == "scans/new.txt"


def test_a_lazy_object(transactional_db, received):
    """The object in a lazy one, such as `request.user`, is copied if it was changed."""
    author = SimpleLazyObject(lambda: create("old"))
    assert author.name == "old"
    with transaction.atomic():
        order_paid.send(None, instance=author)
        author.name = "new"
    assert received[0].name == "old"


def test_instances_in_other_keywords(transactional_db):
    """Any keyword with a model instance is as of the send."""
    shipped = Signal()
    names = []
    shipped.connect(lambda author, **kwargs: names.append(author.name), delivery=on_commit)
    author = create("old")
    with transaction.atomic():
        shipped.send(None, author=author)
        author.name = "new"
    assert names == ["old"]


def test_async_receivers(transactional_db):
    """An async receiver gets the instances as of the send too."""
    shipped = Signal()
    names = []

    async def receive(author, **kwargs):
        names.append(author.name)

    shipped.connect(receive, delivery=on_commit)
    author = Author(name="old")
    with transaction.atomic():
        shipped.send(None, author=author)
        author.name = "new"
    assert names == ["old"]
