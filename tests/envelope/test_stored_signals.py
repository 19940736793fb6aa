"""Signals of a framework, stored by the types of their values."""

from decimal import Decimal

import pytest

from clarion import Signal
from clarion.changes import Changes
from clarion.envelope.codec import Codec
from clarion.envelope.references import GoneError
from clarion.envelope.stored_signals import KeywordConversion, storage_of, store_by_type
from clarion.errors import EncodingError
from tests.envelope.kinds import Order

saved = Signal(name="orm.saved")
deleted = Signal(name="orm.deleted")


def dump_origin(value):
    """Return a marker for one kind of origin."""
    if value == "query":
        return {"query": True}
    raise ValueError("is no query")


store_by_type(saved)
store_by_type(
    deleted,
    as_sent=True,
    keywords={"origin": KeywordConversion(dump_origin, lambda data, _: data)},
)


def stored(signal, session=None, *, snapshots=False, **arguments):
    """Return the arguments of a send after it was stored."""
    arguments = {"sender": Order, **arguments, "signal": signal}
    payload = Codec(signal).dump(signal, arguments, snapshots=snapshots)
    return Codec(signal).load(signal, payload, 1, session, snapshots=snapshots)


def test_keywords_come_back_with_their_types(records):
    """Sets, changes, classes and objects come back equal and of the same type."""
    order = records.rows[1] = Order(1)
    keywords = {
        "instance": order,
        "model": Order,
        "update_fields": frozenset({"title"}),
        "pk_set": {1, 2},
        "changes": Changes({"price": (None, Decimal("9.90"))}, ["stock"]),
        "others": [order, order],
        "nothing": None,
    }
    arguments = stored(saved, **keywords)
    assert {name: arguments[name] for name in keywords} == keywords
    for name in ("update_fields", "pk_set", "changes"):
        assert type(arguments[name]) is type(keywords[name])
    assert arguments["sender"] is Order


def test_objects_of_a_deletion_come_back_as_sent(records):
    """The row is not read, even if it exists."""
    order = Order(1)
    records.rows[1] = Order(1)
    arguments = stored(deleted, instance=order, origin="query")
    assert arguments["instance"] == order
    assert arguments["instance"] is not records.rows[1]
    assert records.sessions == []
    assert arguments["origin"] == {"query": True}


def test_a_snapshot_replaces_a_row_that_is_gone(records):
    """If the sender stored one, and the receiver wants it."""
    assert stored(saved, snapshots=True, instance=Order(9))["instance"] == Order(9)
    assert records.sessions == [None]
    payload = Codec(saved).dump(saved, {"sender": None, "instance": Order(9)}, snapshots=True)
    with pytest.raises(GoneError):
        Codec(saved).load(saved, payload, 1, None)
    payload = Codec(saved).dump(saved, {"sender": None, "instance": Order(9)})
    with pytest.raises(GoneError):
        Codec(saved).load(saved, payload, 1, None, snapshots=True)


def test_the_row_is_used_if_it_exists(records):
    """A receiver with `missing="snapshot"` gets the row as it is now."""
    order = records.rows[1] = Order(1)
    assert stored(saved, snapshots=True, instance=order)["instance"] is order


def test_a_value_that_cannot_be_stored_is_refused():
    """The error names the signal, the keyword, the type and the cure."""
    with pytest.raises(
        EncodingError, match=r"orm.saved .*'raw': raw is an object\. Register"
    ) as info:
        stored(saved, sender=None, raw=object())
    assert info.value.keyword == "raw"
    with pytest.raises(EncodingError, match="'origin': origin is no query"):
        stored(deleted, sender=None, origin=5)


def test_other_signals_are_not_stored_by_type():
    """Plain signals of the program are strict."""
    assert storage_of(Signal()) is None
    storage = storage_of(deleted)
    assert storage is not None
    assert storage.as_sent
