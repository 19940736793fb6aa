"""The references of objects in a database."""

import pytest

from clarion.envelope import references
from clarion.errors import DecodingError
from tests.envelope.kinds import Order


def test_an_object_is_loaded_by_its_reference(records):
    """A reference is loaded in the session of the receiver."""
    order = records.rows[5] = Order(5)
    reference = references.dump_object(order, "order")
    assert reference == {"kind": "records", "key": 5}
    assert references.load_object(reference, "session") is order
    assert records.sessions == ["session"]


def test_an_object_without_a_key_has_no_reference(records):
    """The reason names the place of an object without a key."""
    with pytest.raises(ValueError, match=r"order is an object of .*Order, which has no key yet"):
        references.dump_object(Order(None), "order")


def test_an_object_of_no_kind_has_no_reference(records):
    """An object of no registered kind has no reference, because no code could load it."""
    with pytest.raises(ValueError, match="no integration can refer to"):
        references.dump_object(object(), "order")


def test_a_row_that_is_gone_is_an_error_of_its_own(records):
    """A missing row raises an error of its own, for the option `missing=` of the receiver."""
    with pytest.raises(references.GoneError):
        references.load_object({"kind": "records", "key": 1}, None)


@pytest.mark.parametrize("data", [None, [], "x", {}, {"kind": 5}, {"kind": "unknown"}])
def test_a_damaged_reference_is_refused(records, data):
    """A damaged reference is refused, and one of a kind that is not loaded."""
    with pytest.raises(DecodingError):
        references.load_object(data, None)


def test_classes_have_kinds_too(records):
    """A class has a kind; a value that is not a class has none."""
    assert references.kind_owning_class(Order) is records
    assert references.kind_owning_class(int) is None
    assert references.kind_owning_class(5) is None


def test_a_list_of_objects_is_owned(records):
    """A list of objects has a kind; a mixed or an empty list has none."""
    assert references.are_owned([Order(1), Order(2)])
    assert references.are_owned((Order(1),))
    assert not references.are_owned([Order(1), 5])
    assert not references.are_owned([])
    assert not references.are_owned("ab")


def test_a_snapshot_is_stored_with_the_reference(records):
    """A snapshot is used if the row is gone, or always."""
    reference = references.dump_object(Order(5), "order", snapshot=True)
    assert reference == {"kind": "records", "key": 5, "snapshot": {"number": 5}}
    assert references.load_object(reference, None, "snapshot") == Order(5)
    assert references.load_object(reference, None, "as sent") == Order(5)
    assert records.sessions == [None]
    with pytest.raises(references.GoneError):
        references.load_object(reference, None)


def test_a_model_that_the_program_does_not_have_is_reported(records):
    """A reference or a class of an unknown model is refused, with the cure."""
    with pytest.raises(DecodingError, match="Import its module"):
        references.load_class({"kind": "records", "name": "Unknown"})
    assert references.load_class(references.dump_class(Order)) is Order
    with pytest.raises(DecodingError, match="Import its module"):
        references.load_object({"kind": "records", "model": "Unknown", "key": 5}, None)


def test_a_list_of_scalars_is_searched_for_no_objects(records, monkeypatch):
    """It may be long, and no scalar refers to a row."""
    asked: list[object] = []

    def owns(value):
        asked.append(value)
        return False

    monkeypatch.setattr(records, "owns", owns)
    for values in ([*range(9)], ["a", None], (1.5, True), [None], []):
        assert not references.are_owned(values)
    assert asked == []
