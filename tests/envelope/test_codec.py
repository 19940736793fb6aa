"""From the arguments of a send to a payload, and back."""

import json

import pytest

from clarion import Signal, signal
from clarion.envelope.codec import Codec, StoredReference
from clarion.envelope.references import GoneError
from clarion.envelope.upcast import NewerVersionError, upcast
from clarion.errors import DeclarationError, DecodingError, EncodingError
from tests.envelope.kinds import Order

plain = Signal(name="shop.plain")


def travelled(signal, arguments, session=None):
    """Return the arguments of a send after it was stored."""
    codec = Codec(signal)
    arguments = {"sender": None, **arguments, "signal": signal}
    return codec.load(signal, codec.dump(signal, arguments), 1, session)


def test_the_arguments_come_back():
    """The sender and the signal too."""
    arguments = {"sender": "web", "number": 5, "items": [{"a": None}], "signal": plain}
    assert travelled(plain, arguments) == arguments


def test_objects_travel_as_references(records):
    """One, or a list of them, but the rest by value."""
    first, second = records.rows[1], records.rows[2] = Order(1), Order(2)
    payload = Codec(plain).dump(plain, {"sender": Order, "order": first, "all": [first, second]})
    assert json.loads(payload)["references"] == {
        "order": {"kind": "records", "key": 1},
        "all": [{"kind": "records", "key": 1}, {"kind": "records", "key": 2}],
    }
    arguments = travelled(plain, {"sender": Order, "order": first, "all": [first, second]}, "s")
    assert arguments["order"] is first
    assert arguments["all"] == [first, second]
    assert set(records.sessions) == {"s"}


def test_a_dictionary_of_the_program_is_no_reference(records):
    """Also if it looks like one."""
    look_alike = {"order": {"kind": "records", "key": 1}, "references": {}, "values": {}}
    arguments = travelled(plain, look_alike)
    assert {name: arguments[name] for name in look_alike} == look_alike


def test_a_value_that_would_change_is_refused():
    """The error names the signal, the keyword, the place and the type."""
    with pytest.raises(EncodingError, match=r"shop.plain .* 'size': size\[0\] is a tuple") as info:
        travelled(plain, {"size": [(1, "hunter2")]})
    error = info.value
    assert (error.signal, error.keyword, error.path) == ("shop.plain", "size", "size[0]")
    assert "hunter2" not in str(error)


def test_a_sender_or_object_that_cannot_travel_is_refused(records):
    """Before anything is written."""
    with pytest.raises(EncodingError, match="sender is an object, which no other process"):
        travelled(plain, {"sender": object()})
    with pytest.raises(EncodingError, match=r"order is an object of .* has no key yet"):
        travelled(plain, {"order": Order(None)})
    with pytest.raises(EncodingError, match=r"all\[1\] is"):
        travelled(plain, {"all": [Order(1), Order(None)]})


def test_declared_signals_travel_by_their_annotations(records):
    """Models are references, defaults are filled in."""
    pytest.importorskip("msgspec")
    records.rows[1] = Order(1)

    @signal
    def paid(sender, *, order: Order | None, size: tuple[int, int], currency: str = "EUR"): ...

    arguments = travelled(paid, {"order": records.rows[1], "size": (1, 2)})
    assert arguments["order"] is records.rows[1]
    assert (arguments["size"], arguments["currency"]) == ((1, 2), "EUR")
    assert travelled(paid, {"order": None, "size": (1, 2)})["order"] is None
    with pytest.raises(EncodingError, match="order is a str, which no integration can refer to"):
        travelled(paid, {"order": "1", "size": (1, 2)})
    with pytest.raises(EncodingError, match=r"'size': size .* expected `array`, got `str`"):
        travelled(paid, {"order": None, "size": "12"})


def test_a_model_inside_another_type_is_refused(records):
    """It would be copied, not referred to."""
    pytest.importorskip("msgspec")

    class Row(Order):
        __slots__ = ()

    @signal
    def paid(sender, *, orders: dict[str, list[Row]]): ...

    paid.__wrapped__.__annotations__["orders"] = dict[str, list[Row]]
    with pytest.raises(DeclarationError, match="'orders'"):
        Codec(paid)


def test_older_payloads_are_upcasted(records):
    """An upcaster sees the references, and can rename them."""
    changed = Signal(name="shop.renamed")
    order = records.rows[1] = Order(1)
    payload = Codec(changed).dump(changed, {"sender": None, "order": order, "amount": 5})

    @upcast(changed, version=1)
    def rename(payload):
        assert type(payload["order"]) is StoredReference
        return {"purchase": payload["order"], "cents": payload["amount"] * 100}

    arguments = Codec(changed).load(changed, payload, 1, None)
    assert arguments == {"purchase": order, "cents": 500, "sender": None, "signal": changed}
    with pytest.raises(NewerVersionError):
        Codec(changed).load(changed, payload, 3, None)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{}", b'{"sender":null,"references":5,"values":{}}', b"\xff"]
)
def test_a_damaged_payload_is_refused(payload):
    """With the command that shows it."""
    with pytest.raises(DecodingError, match=r"shop.plain is damaged. .*outbox show"):
        Codec(plain).load(plain, payload, 1, None)


def test_a_payload_that_does_not_fit_is_refused():
    """An annotation that changed needs an upcaster."""
    pytest.importorskip("msgspec")

    @signal
    def paid(sender, *, number: int): ...

    with pytest.raises(DecodingError, match=r"does not fit its annotations.*upcaster"):
        Codec(paid).load(paid, b'{"sender":null,"references":{},"values":{"number":"5"}}', 1, None)


def test_a_row_that_is_gone_is_reported(records):
    """The receiver's `missing=` decides."""
    payload = Codec(plain).dump(plain, {"sender": None, "order": Order(9)})
    with pytest.raises(GoneError):
        Codec(plain).load(plain, payload, 1, None)
