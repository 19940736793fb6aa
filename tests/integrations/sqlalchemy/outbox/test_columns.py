"""The values of columns come back equal and of the same type, or are refused."""

import enum

import pytest
from sqlalchemy import Enum, PickleType, String, TypeDecorator

from clarion.errors import DecodingError
from clarion.integrations.sqlalchemy.outbox.columns import dump_value, load_value
from tests.integrations.sqlalchemy.outbox.zoo import Size


class Shouted(enum.StrEnum):
    """Members that are text, too."""

    LOUD = "loud"


class Unmapped(enum.Enum):
    """An enumeration that no column has."""

    ONE = 1


class Decorated(TypeDecorator[Size]):
    """A type of the program's own."""

    impl = Enum(Size)
    cache_ok = True


@pytest.mark.parametrize(
    ("value", "type_"),
    [(Size.BIG, Enum(Size)), (Size.BIG, Decorated()), (Shouted.LOUD, Enum(Shouted))],
)
def test_members_of_an_enumeration_come_back(value, type_):
    """Members of an enumeration are stored by their names, as in the database."""
    data = dump_value(value, type_, "size")
    assert data == {"member": value.name}
    assert load_value(data, type_, None) is value
    with pytest.raises(LookupError):
        load_value({"member": "HUGE"}, type_, None)


def test_what_would_not_come_back_is_refused():
    """A value that would not come back is refused; the message names the attribute and the type."""
    with pytest.raises(ValueError, match=r"extra is .*object.*register_type"):
        dump_value(object(), PickleType(), "extra")
    with pytest.raises(ValueError, match="size is"):
        dump_value(Unmapped.ONE, String(), "size")
    with pytest.raises(DecodingError):
        load_value({"nonsense": 1}, String(), None)


def test_a_member_of_another_column_comes_back():
    """Its class is found among the enumerations of all columns."""
    data = dump_value([Size.BIG], PickleType(), "sizes")
    assert load_value(data, PickleType(), None) == [Size.BIG]
