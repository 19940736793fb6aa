"""The values of a row, as an object has them."""

from decimal import Decimal

import pytest
from django.db.models import F

from clarion.integrations.django.orm.rows import attributes, differs, taken
from tests.integrations.django.library.models import Item


class Stubborn:
    """Can be neither copied nor compared."""

    def __deepcopy__(self, memo):
        raise TypeError

    def __eq__(self, other):
        raise TypeError

    def __hash__(self):
        return 0


def test_what_is_there_is_taken():
    """Of attributes with a column, those that are not deferred; copies of what can change."""
    item = Item(title="a", tags=["x"])
    del item.stock
    assert "stock" not in attributes(item)
    row = taken(item)
    assert row.keys() == {*attributes(item)}
    item.tags.append("y")
    assert row["tags"] == ["x"]


def test_expressions_are_left_out():
    """Only the database knows what comes of them."""
    assert "stock" not in taken(Item(stock=F("stock") + 1))


def test_what_cannot_be_copied_is_kept():
    """A custom field may make anything of its value."""
    value = Stubborn()
    assert taken(Item(title=value))["title"] is value
    assert taken(Item(title=memoryview(b"a")))["title"] == b"a"


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
    """As the field understands them; what cannot be compared differs."""
    assert differs(Item(), name, old, new) is expected
