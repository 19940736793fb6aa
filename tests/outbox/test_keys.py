"""The keys by which deliveries are ordered."""

from typing import Any
from uuid import UUID

import pytest

from clarion import Signal, signal
from clarion.envelope import register_reference_kind, registered
from clarion.errors import ArgumentError, EncodingError
from clarion.outbox import keys

key_of: Any = keys.key_of
plain = Signal(name="shop.order_paid")
UID = UUID("01a223c4-1edf-72de-9e54-889cd6b223d8")


@signal
def declared(sender: object, *, order_id: int) -> None:
    """An order was paid."""


def mail(sender, **kwargs):
    """Send a mail."""


def computed(key, **keywords):
    """Return the key of a send with these keywords."""
    return key_of(key, plain)(plain, mail, {"sender": None, "signal": plain, **keywords})


@pytest.mark.parametrize(
    ("key", "keywords", "text"),
    [
        ("order_id", {"order_id": 7}, "7"),
        ("order_id", {"order_id": "a-7"}, "a-7"),
        ("order_id", {"order_id": UID}, str(UID)),
        ("order_id", {"order_id": None}, None),
        (["shop", "order_id"], {"shop": "x", "order_id": 7}, '["x", "7"]'),
        (["shop", "order_id"], {"shop": 'x", "7', "order_id": ""}, '["x\\", \\"7", ""]'),
        (lambda order_id, **_: order_id % 4, {"order_id": 7}, "3"),
        (lambda a, b, **_: (a, b), {"a": 1, "b": None}, '["1", "None"]'),
        (lambda **_: None, {}, None),
        ("order_id", {"order_id": "7 "}, '"7 "'),
        (["shop", "order_id"], {"shop": "x", "order_id": "7 "}, '["x", "7 "]'),
    ],
)
def test_a_key_is_text(key, keywords, text):
    """A keyword, a list of keywords or a function gives a text; None has no order."""
    assert computed(key, **keywords) == text


@pytest.mark.parametrize("key", [5, [], [1], {"order_id"}, b"order_id", ""])
def test_what_is_no_key_is_refused(key):
    """connect refuses an object that is no key."""
    with pytest.raises(ArgumentError):
        computed(key)


def test_a_keyword_that_the_signal_does_not_declare_is_refused():
    """connect refuses a keyword that the signal does not declare."""
    with pytest.raises(ArgumentError, match="does not declare"):
        key_of("ordr_id", declared)
    assert key_of("order_id", declared) is not None
    assert key_of("sender", declared) is not None


@pytest.mark.parametrize("key", ["instance.customer_id", "instance customer", "", ["a", "b.c"]])
def test_a_text_that_names_no_keyword_is_refused(key):
    """The message shows the function that a part of a value needs."""
    with pytest.raises(ArgumentError, match=r"For a part of a value, give .*lambda instance"):
        keys.key_of(key, Signal())


def test_an_async_function_is_refused():
    """An async function is refused, because it returns a coroutine and no key."""

    async def key(**kwargs):
        return 1

    with pytest.raises(ArgumentError, match="async"):
        key_of(key, plain)


def test_a_send_without_the_keyword_is_refused():
    """A send without the keyword is refused, by the names of receiver and keyword."""
    with pytest.raises(ArgumentError, match="order_id"):
        computed("order_id", amount=5)


@pytest.mark.parametrize("value", [1.5, b"x", object(), [1], True])
def test_a_value_that_is_no_key_is_refused(value):
    """A value of another type is refused by its type, without its value."""
    with pytest.raises(EncodingError, match=type(value).__name__):
        computed("order_id", order_id=value)


def test_a_long_key_is_refused():
    """A key of more than 255 characters, the length of its column, is refused."""
    assert computed("order_id", order_id="x" * 255) == "x" * 255
    with pytest.raises(EncodingError, match="256"):
        computed("order_id", order_id="x" * 256)


def test_an_error_of_a_key_function_names_it():
    """The error of a key function has a note that names the function."""

    def broken(**kwargs):
        raise LookupError("no such order")

    with pytest.raises(LookupError) as raised:
        computed(broken)
    assert "key function" in raised.value.__notes__[0]


def test_an_object_of_a_database_is_a_key():
    """Its reference is the key, so it is the same in each process."""

    class Order:
        id = 7

    class Kind:
        name = "toy"

        def owns(self, value):
            return isinstance(value, Order)

        def owns_class(self, kind):
            return kind is Order

        def dump(self, value):
            if value.id is None:
                raise ValueError("is not saved")
            return {"id": value.id}

    with registered.registered_restored():
        register_reference_kind(Kind())  # type: ignore[arg-type]  # what a key needs
        assert computed("order", order=Order()) == '{"id": 7, "kind": "toy"}'
        unsaved: Any = Order()
        unsaved.id = None
        with pytest.raises(
            EncodingError, match=r"because its key is .*Order.*, which is not saved"
        ):
            computed("order", order=unsaved)


def test_a_key_with_nul_is_refused():
    """PostgreSQL would refuse it with an error of its own, the other databases would store it."""
    with pytest.raises(EncodingError, match="a NUL character"):
        computed("number", number="a\0b")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("\ud800", "its key is text that is not valid Unicode"),
        pytest.param(10**5000, "its key is an integer with too many digits", id="digits"),
    ],
)
@pytest.mark.parametrize("names", ["number", ["number", "shop"]])
def test_a_key_that_no_database_stores_is_refused(value, reason, names):
    """A key that Python cannot encode is refused, and the error names the signal."""
    with pytest.raises(
        EncodingError, match=rf"shop\.order_paid cannot be ordered, because {reason}"
    ):
        computed(names, number=value, shop=1)


def test_a_key_that_a_connection_may_change_is_stored_in_ascii():
    """A connection with utf8mb3 may store an emoji as question marks, and so make two keys one."""
    assert computed("number", number="a\N{GRINNING FACE}") == '"a\\ud83d\\ude00"'
    keys = ["\N{GRINNING FACE}", "\N{GRINNING FACE WITH SMILING EYES}", "é", "\uffff"]
    stored = [computed("number", number=each) for each in keys]
    assert stored[2:] == keys[2:]
    assert len({*stored, *keys}) == 6
    several = computed(["number", "shop"], number="\N{GRINNING FACE}", shop="a")
    assert several is not None
    assert several.isascii()
