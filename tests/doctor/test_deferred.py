"""Connections of sqlite3 whose transactions may fail to write after they have read."""

import pytest

SHOP = """
import sqlite3
from clarion import Signal, durable, receiver
from clarion.commit import atomic

paid = Signal()

@receiver(paid, delivery=durable)
def mail(sender, order_id, **kwargs): ...

def pay(order_id):
    shop = sqlite3.connect("shop.db")
    with atomic(shop):
        total = shop.execute("SELECT total FROM orders").fetchone()
        paid.send(None, order_id=order_id)
"""


def test_a_block_that_reads(found):
    """It is found where the connection is opened, with the option to add."""
    [finding] = found(SHOP)
    assert (finding.code, finding.line) == ("W003", 12)
    assert "With sqlite3: connect(..., isolation_level='IMMEDIATE')" in finding.cure


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('    shop = sqlite3.connect("shop.db")', "    shop = open_shop()", 18),
        ("with atomic(shop)", "with sqlite3.connect('a.db') as other, atomic(other)", 13),
        ("atomic(shop)", "atomic(sqlite3.connect('a.db', isolation_level=None))", 13),
        ('shop.execute("SELECT total FROM orders").fetchone()', "read(shop)", 12),
    ],
    ids=["a function opens it", "with", "direct", "a function reads"],
)
def test_other_forms(found, old, new, line):
    """The connection is followed to where it is opened."""
    more = """
def open_shop():
    return sqlite3.connect("shop.db")

def read(shop):
    return shop.execute("select 1")
"""
    assert [(each.code, each.line) for each in found(SHOP.replace(old, new) + more)] == [
        ("W003", line)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"shop.db")', '"shop.db", isolation_level="IMMEDIATE")'),
        ('"shop.db")', '"shop.db", isolation_level=LEVEL)'),
        ('"shop.db")', '":memory:")'),
        ('"shop.db")', '"shop.db", **options)'),
        ("SELECT total FROM orders", "UPDATE orders SET total = 1"),
        ("with atomic(shop)", "with shop"),
        ("delivery=durable", "priority=1"),
        ("sqlite3.connect(", "open_shop("),
    ],
)
def test_without_the_fault(found, old, new):
    """A lock at the beginning, a block that only writes, and a program without durable receivers are fine."""
    assert found(SHOP.replace(old, new)) == []
