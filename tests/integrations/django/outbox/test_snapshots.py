"""The values of an instance, and the instance from them."""

import datetime as dt
import json
from decimal import Decimal
from enum import Enum, IntEnum
from types import SimpleNamespace

import pytest
from django.db.models import BinaryField, F, GeneratedField, IntegerField, JSONField, TextChoices
from django.utils.safestring import mark_safe

from clarion.integrations.django.outbox.snapshots import (
    dump_value,
    dump_values,
    load_value,
    load_values,
)
from tests.integrations.django.library.models import (
    Author,
    Copy,
    Item,
    Loan,
    Novelist,
    Sample,
    Shelf,
    Stay,
    Ticket,
)

pytestmark = pytest.mark.usefixtures("transactional_db")


def restored(instance):
    """Return an instance after its values were stored as text."""
    values = json.loads(json.dumps(dump_values(instance)))
    return load_values(type(instance), values, "default")


def test_the_values_come_back_as_the_row_has_them():
    """Each field converts its own values back to those of the row."""
    shelf = Shelf.objects.create(name="s")
    sample = Sample.objects.create(
        mass=Decimal("1.250"),
        data={"a": [1, Decimal("2.5")]},
        raw=b"\x00\xff",
        took=dt.timedelta(days=1, microseconds=3),
        day=dt.date(2026, 11, 28),
    )
    item = Item.objects.create(title="t", tags=["a"], scan="scans/a.png", shelf=shelf)
    saved = [sample, item, Ticket.objects.create(), Stay.objects.create(room=1, night=2)]
    saved.append(Novelist.objects.create(name="n"))
    for each in saved:
        row = type(each)._base_manager.get(pk=each.pk)
        again = restored(row)
        assert again == row
        for field in each._meta.concrete_fields:
            value, expected = getattr(again, field.attname), getattr(row, field.attname)
            assert value == expected
            if not isinstance(expected, memoryview):
                assert type(value) is type(expected)


class Genre(str, Enum):  # noqa: UP042  # `str()` of its members differs from that of a StrEnum's
    """An enumeration whose `str()` is the name of a member."""

    CRIME = "crime"


class Level(int, Enum):
    """An enumeration of numbers whose `str()` is the name of a member."""

    HIGH = 2


class Rank(IntEnum):
    """An enumeration whose `str()` is a number."""

    FIRST = 1


class Form(TextChoices):
    """Django's own."""

    POEM = "poem"


class Factor(float, Enum):
    """An enumeration of floats."""

    HALF = 0.5


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (Novelist, "genre", Genre.CRIME),
        (Novelist, "genre", Form.POEM),
        (Novelist, "genre", Level.HIGH),
        (Novelist, "genre", mark_safe("<b>")),
        (Copy, "stamp", Level.HIGH),
        (Copy, "stamp", Rank.FIRST),
        (Copy, "stamp", 2.0),
        (Copy, "stamp", Decimal("3.0")),
        (Sample, "mass", Factor.HALF),
        (Sample, "mass", 1.5),
        (Sample, "took", dt.timedelta(-1, 5, 6)),
        (Loan, "day", dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)),
    ],
    ids=repr,
)
def test_a_value_of_another_type_is_that_of_the_row(model, field, value):
    """A save converts it, such as the member of an enumeration, or a time in a date field."""
    sent = model.objects.create(**({"mass": 1} if field == "took" else {}), **{field: value})
    row = model._base_manager.get(pk=sent.pk)
    again = restored(sent)
    assert getattr(again, field) == getattr(row, field)
    assert type(getattr(again, field)) is type(getattr(row, field))


@pytest.mark.parametrize(
    ("output", "value"),
    [(JSONField(), {"a": ["b"]}), (BinaryField(), b"\xff"), (IntegerField(), 5)],
)
def test_a_generated_value_comes_back(output, value):
    """Its field converts it as the field of its type does."""
    field = GeneratedField(expression=F("id"), output_field=output, db_persist=True)
    field.set_attributes_from_name("made")
    row = SimpleNamespace(made=value)
    assert load_value(field, dump_value(row, field)) == value


def test_an_instance_as_restored_is_of_its_database():
    """A restored instance reads its relations from its database, and a save updates the row."""
    copy = Copy.objects.create(code="c", shelf=Shelf.objects.create(name="s"))
    again = restored(copy)
    assert (again._state.db, again._state.adding) == ("default", False)
    assert again.shelf.name == "s"
    again.save()
    assert Copy.objects.count() == 1


def test_what_is_not_known_is_deferred():
    """A deferred field, and one with an expression, have no value in the snapshot."""
    copy = Copy.objects.create(code="c", stamp=1)
    deferred = Copy.objects.defer("stamp").get()
    assert "stamp" not in dump_values(deferred)
    copy.stamp = F("stamp") + 1
    assert "stamp" not in dump_values(copy)
    assert restored(copy).get_deferred_fields() == {"stamp"}


def test_a_field_that_was_added_or_removed_is_left_out():
    """A field that only the sender's or the worker's model has is left out."""
    values = {"id": 1, "name": "a", "removed": 5}
    assert load_values(Author, values, "default").name == "a"
    assert load_values(Author, {"id": 1}, "default").get_deferred_fields() == {"name"}


def test_a_value_that_the_field_cannot_convert_is_refused():
    """A value that its field cannot convert is refused; the message names the field, never the value."""
    author = Author.objects.create(name="a")
    author.name = "\ud800hunter2"
    with pytest.raises(ValueError, match="name is text that is not valid Unicode") as info:
        dump_values(author)
    assert "hunter2" not in str(info.value)
    item = Item.objects.create(title="t")
    item.tags = [object()]
    with pytest.raises(ValueError, match="a value of 'tags' that cannot be stored"):
        dump_values(item)
    loan = Loan(book="b", day=object())
    with pytest.raises(ValueError, match="a value of 'day' that cannot be stored"):
        dump_values(loan)


def test_a_stored_value_that_the_field_does_not_accept_is_refused():
    """A stored value that its field does not accept, as after a change of the model, is refused."""
    with pytest.raises(ValueError, match="'mass' does not accept it"):
        load_value(Sample._meta.get_field("mass"), "hunter2")
