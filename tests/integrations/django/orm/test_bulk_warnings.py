"""Bulk writes warn of the receivers that they do not call."""

import warnings

import pytest
from django.db.models.signals import post_delete, post_save

from clarion import signals
from clarion.integrations.django import BulkWriteWarning, post_bulk_insert, warn_of_bulk_writes
from tests.integrations.django.library.models import Author, Book, Copy, Shelf

pytestmark = pytest.mark.django_db


def index(instance, **kwargs):
    """Represent the receiver that updates a search index."""


@pytest.fixture
def warned():
    """Catch the warnings, with `index` connected to the saves and deletes of copies."""
    post_save.connect(index, Copy)
    post_delete.connect(index, Copy)
    with warn_of_bulk_writes(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def test_the_warning_names_the_receivers(warned):
    """The warning names receiver and signal, and points at the line that writes."""
    Copy.objects.bulk_create([Copy(code="a")])
    [warning] = warned
    assert warning.category is BulkWriteWarning
    assert str(warning.message).startswith(
        f"A bulk write of Copy does not call {__name__}.index of post_save. Write the objects"
    )
    assert warning.filename == __file__


def test_each_bulk_write_warns_once(warned):
    """A bulk_update of several batches warns once too."""
    made = Copy.objects.bulk_create([Copy(code="a"), Copy(code="b")])
    Copy.objects.bulk_update(made, ["code"], batch_size=1)
    Copy.objects.update(stamp=4)
    Copy.objects.all()._raw_delete("default")
    names = [str(warning.message).split(" of ")[2].split(".")[0] for warning in warned]
    assert names == ["post_save", "post_save", "post_save", "post_delete"]


def test_a_write_that_calls_all_receivers_does_not_warn(warned):
    """Deletes row by row, writes without rows, and models without receivers do not warn."""
    Copy.objects.create(code="a")
    Copy.objects.all().delete()
    Copy.objects.bulk_create([])
    Copy.objects.bulk_update([], ["code"])
    Shelf.objects.update(name="b")
    assert not warned


def test_many_to_many_rows_do_not_warn(warned):
    """The rows of a many-to-many never send post_save, so they do not warn."""
    post_save.connect(index)
    post_delete.connect(index)
    book, author = Book.objects.create(title="a"), Author.objects.create(name="b")
    book.authors.add(author)
    book.authors.clear()
    assert not warned


def test_a_warning_that_is_an_error_stops_the_write():
    """A warning that is an error prevents the write, because it comes first."""
    post_save.connect(index, Copy)
    with warn_of_bulk_writes(), warnings.catch_warnings():
        warnings.simplefilter("error", BulkWriteWarning)
        with pytest.raises(BulkWriteWarning):
            Copy.objects.bulk_create([Copy(code="a")])
    assert not Copy.objects.exists()


def test_the_warning_is_off_by_default(recwarn):
    """The warning is on only inside its block, where it can be turned off again."""
    post_save.connect(index, Copy)
    post_bulk_insert.connect(lambda **kwargs: None)
    with warn_of_bulk_writes():
        with warn_of_bulk_writes(False):
            Copy.objects.bulk_create([Copy(code="a")])
        assert not recwarn.list
        Copy.objects.bulk_create([Copy(code="b")])
        assert len(recwarn.list) == 1
    Copy.objects.bulk_create([Copy(code="c")])
    assert len(recwarn.list) == 1


def test_there_is_one_warning_for_all_integrations():
    """One filter is enough for a program that uses Django and SQLAlchemy."""
    from clarion.integrations import sqlalchemy

    assert BulkWriteWarning is sqlalchemy.BulkWriteWarning is signals.BulkWriteWarning
