"""The enumerations of mapped columns."""

import enum

import pytest
from sqlalchemy import ARRAY, Column, Enum, Integer, String, Table, TypeDecorator

from clarion.integrations.sqlalchemy.outbox.enumerations import enumeration_of, enumerations
from tests.integrations.sqlalchemy.late import new_base
from tests.integrations.sqlalchemy.outbox.zoo import Size


class Late(enum.Enum):
    """The enumeration of a class that is mapped later."""

    ONE = 1


class Decorated(TypeDecorator[Size]):
    """A type of the program's own."""

    impl = Enum(Size)
    cache_ok = True


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (Enum(Size), Size),
        (Decorated(), Size),
        (ARRAY(Enum(Size)), Size),
        (Enum("a", "b", name="letters"), None),
        (String(), None),
    ],
    ids=["enum", "decorated", "array", "texts", "string"],
)
def test_a_type_has_an_enumeration(type_, expected):
    """Also behind a decorator, and of the items of an array."""
    assert enumeration_of(type_) is expected


def test_the_enumerations_of_all_columns_are_known():
    """Also those of a class that is mapped later."""
    assert Size in enumerations()
    assert Late not in enumerations()
    base = new_base()
    made = Table(
        "late", base.metadata, Column("id", Integer, primary_key=True), Column("one", Enum(Late))
    )
    type("Mapped", (base,), {"__table__": made})
    assert Late in enumerations()
    assert enumerations().count(Size) == 1
