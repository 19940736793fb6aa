"""The values of an object that are written to its row."""

from decimal import Decimal

import pytest
from django.db.models import F

from clarion.integrations.django.orm.rows import differs, loaded_attributes, row_of
from tests.integrations.django.library.models import Item


class Stubborn:
    """Can be neither copied nor compared."""

    def __deepcopy__(self, memo):
        raise TypeError

    def __eq__(self, other):
        raise TypeError

    def __hash__(self):
        return 0


def test_loaded_values_are_copied():
    """The row has the attributes that are not deferred, with copies of mutable values."""
    item = Item(title="a", tags=["x"])
    del item.stock
    assert "stock" not in loaded_attributes(item)
    row = row_of(item)
    assert row.keys() == {*loaded_attributes(item)}
    item.tags.append("y")
    assert row["tags"] == ["x"]


def test_expressions_are_left_out():
    """A row has no values that the database computes."""
    assert "stock" not in row_of(Item(stock=F("stock") + 1))


def test_values_that_cannot_be_copied_are_kept():
    """The row has the value itself if copying raises, and the bytes of a memoryview."""
    value = Stubborn()
    assert row_of(Item(title=value))["title"] is value
    assert row_of(Item(title=memoryview(b"a")))["title"] == b"a"


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("stock", 1, 1, False),
        ("stock", 1, 2, True),
        ("stock", 3, "3", False),
        ("stock", 1, "one", True),
        ("stock", 1, None, True),
        ("price", Decimal("1.50"), "1.50", False),
        ("shelf_id", 1, "1", False),
        ("title", Stubborn(), Stubborn(), True),
    ],
)
def test_whether_values_differ(name, old, new, expected):
    """Values differ after the field's conversion, or if they cannot be compared."""
    assert differs(Item(), name, old, new) is expected
