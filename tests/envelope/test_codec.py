"""From the arguments of a send to a payload, and back."""

import gc
import json
from weakref import ref

import pytest

from clarion import Signal, signal
from clarion.envelope.codec import Codec, StoredReference, codec_of, has_references
from clarion.envelope.references import GoneError
from clarion.envelope.upcast import NewerVersionError, upcast
from clarion.errors import DeclarationError, DecodingError, EncodingError
from tests.envelope.kinds import Order

plain = Signal(name="shop.plain")


def stored(signal, arguments, session=None):
    """Return the arguments of a send after it was stored."""
    codec = Codec(signal)
    arguments = {"sender": None, **arguments, "signal": signal}
    return codec.load(signal, codec.dump(signal, arguments), 1, session)


def test_the_arguments_come_back():
    """The arguments, the sender and the signal are restored."""
    arguments = {"sender": "web", "number": 5, "items": [{"a": None}], "signal": plain}
    assert stored(plain, arguments) == arguments


@pytest.mark.parametrize("sender", ["\ud800", 10**5000], ids=["text", "number"])
def test_a_sender_that_json_cannot_express_is_refused(sender):
    """With one sentence, which does not show it."""
    with pytest.raises(EncodingError, match=r"shop\.plain cannot be stored: the sender or the key"):
        Codec(plain).dump(plain, {"sender": sender})


def test_objects_are_stored_as_references(records):
    """An object, or a list of objects, is stored as a reference; other values by value."""
    first, second = records.rows[1], records.rows[2] = Order(1), Order(2)
    payload = Codec(plain).dump(plain, {"sender": Order, "order": first, "all": [first, second]})
    assert json.loads(payload)["references"] == {
        "order": {"kind": "records", "key": 1},
        "all": [{"kind": "records", "key": 1}, {"kind": "records", "key": 2}],
    }
    arguments = stored(plain, {"sender": Order, "order": first, "all": [first, second]}, "s")
    assert arguments["order"] is first
    assert arguments["all"] == [first, second]
    assert set(records.sessions) == {"s"}


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, False),
        ({"sender": "web"}, False),
        ({"sender": Order}, False),
        ({"sender": '{"object":'}, False),
        ({"sender": Order(1)}, True),
        ({"order": Order(1)}, True),
        ({"orders": [Order(1)]}, True),
        ({"order": Order(1), "references": {}, "values": {}}, True),
        ({"sender": Order(1), "nested": {"references": {}, "values": {}}}, True),
        ({"nested": {"sender": {"object": 1}}}, False),
    ],
)
def test_a_payload_shows_whether_it_has_references(arguments, expected):
    """The sender or a value is an object; what the program calls its keywords does not matter."""
    payload = Codec(plain).dump(plain, {"sender": None, **arguments})
    assert has_references(payload) is expected


def test_a_dictionary_of_the_program_is_no_reference(records):
    """A dictionary that looks like a reference is restored as a dictionary."""
    look_alike = {"order": {"kind": "records", "key": 1}, "references": {}, "values": {}}
    arguments = stored(plain, look_alike)
    assert {name: arguments[name] for name in look_alike} == look_alike


@pytest.mark.parametrize("sender", ["web", 'a "quoted" name\n', "Zürich 😀", ""])
def test_a_sender_that_is_text_is_stored_as_json(sender):
    """The short way for a sender that is text writes the same JSON as the encoder."""
    payload = Codec(plain).dump(plain, {"sender": sender, "amount": 1})
    text = json.dumps({"value": sender}, ensure_ascii=False, separators=(",", ":"))
    assert payload.decode() == f'{{"sender":{text},"references":{{}},"values":{{"amount":1}}}}'


def test_a_codec_is_built_once_and_freed_with_its_signal():
    """Each signal has one codec, which is dropped with it."""
    one, other = Signal(), Signal()
    kept = ref(codec_of(one))
    assert codec_of(one) is kept() is not codec_of(other)
    del one
    gc.collect()
    assert kept() is None


def test_a_value_that_would_change_is_refused():
    """The error names the signal, the keyword, the place and the type."""
    with pytest.raises(EncodingError, match=r"shop.plain .* 'size': size\[0\] is a tuple") as info:
        stored(plain, {"size": [(1, "hunter2")]})
    error = info.value
    assert (error.signal, error.keyword, error.path) == ("shop.plain", "size", "size[0]")
    assert "hunter2" not in str(error)


def test_a_sender_or_object_that_cannot_be_stored_is_refused(records):
    """A sender or an object that cannot be stored is refused before anything is written."""
    with pytest.raises(EncodingError, match="sender is an object, which no other process"):
        stored(plain, {"sender": object()})
    with pytest.raises(EncodingError, match=r"order is an object of .* has no key yet"):
        stored(plain, {"order": Order(None)})
    with pytest.raises(EncodingError, match=r"all\[1\] is"):
        stored(plain, {"all": [Order(1), Order(None)]})


def test_declared_signals_are_stored_by_their_annotations(records):
    """The annotations of a declared signal select references, and its defaults are filled in."""
    pytest.importorskip("msgspec")
    records.rows[1] = Order(1)

    @signal
    def paid(sender, *, order: Order | None, size: tuple[int, int], currency: str = "EUR"): ...

    arguments = stored(paid, {"order": records.rows[1], "size": (1, 2)})
    assert arguments["order"] is records.rows[1]
    assert (arguments["size"], arguments["currency"]) == ((1, 2), "EUR")
    assert stored(paid, {"order": None, "size": (1, 2)})["order"] is None
    with pytest.raises(EncodingError, match="order is a str, which no integration can refer to"):
        stored(paid, {"order": "1", "size": (1, 2)})
    with pytest.raises(EncodingError, match=r"'size': size .* expected `array`, got `str`"):
        stored(paid, {"order": None, "size": "12"})


def test_a_model_inside_another_type_is_refused(records):
    """A model inside another type is refused, because it would be copied."""
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
    """A damaged payload is refused, with the command that shows it."""
    with pytest.raises(DecodingError, match=r"shop.plain is damaged. .*outbox show"):
        Codec(plain).load(plain, payload, 1, None)


def test_a_payload_that_does_not_fit_is_refused():
    """A payload that does not fit a changed annotation is refused."""
    pytest.importorskip("msgspec")

    @signal
    def paid(sender, *, number: int): ...

    with pytest.raises(DecodingError, match=r"does not fit its annotations.*upcaster"):
        Codec(paid).load(paid, b'{"sender":null,"references":{},"values":{"number":"5"}}', 1, None)


def test_a_row_that_is_gone_is_reported(records):
    """A missing row is reported, for the option `missing=` of the receiver."""
    payload = Codec(plain).dump(plain, {"sender": None, "order": Order(9)})
    with pytest.raises(GoneError):
        Codec(plain).load(plain, payload, 1, None)
