"""What a test registers is undone."""

from contextvars import ContextVar

from clarion.envelope import carry, conversions, current_headers, register_sender, register_type
from clarion.envelope.registered import registered_restored
from clarion.envelope.senders import known_senders
from clarion.testing import restored


class Checkout:
    """A sender."""


def test_what_a_block_registers_ends_with_it():
    """Context variables and senders, as `restored` does it."""
    before = current_headers()
    for block in (registered_restored, restored):
        with block():
            carry(ContextVar("tenant", default="t1"))
            register_sender(Checkout)
            assert current_headers()["tenant"] == "t1"
        assert current_headers() == before
        assert Checkout not in [sender for _, sender in known_senders()]


def test_types_are_undone():
    """A class that is registered in the block is not known after it."""
    with registered_restored():
        register_type(Checkout, to_json=str, from_json=str)
        assert Checkout in conversions.conversions
    assert Checkout not in conversions.conversions
