"""What a test registers is undone."""

from contextvars import ContextVar
from importlib import import_module

from clarion.envelope import carry, conversions, current_headers, register_sender, register_type
from clarion.envelope.registered import registered_restored
from clarion.envelope.senders import known_senders
from clarion.testing import restored

PROGRAM = """
from clarion.envelope import register_sender
class Till:
    pass
register_sender(Till)
"""


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


def test_what_a_lazy_import_registers_stays(tmp_path, monkeypatch):
    """The module does not run again, also in nested blocks."""
    (tmp_path / "lazycheckout.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    with registered_restored():
        with restored(), restored():
            import_module("lazycheckout")
            register_sender(Checkout)
        names = [name for name, _ in known_senders()]
        assert "lazycheckout:Till" in names
        assert Checkout not in [sender for _, sender in known_senders()]
    assert "lazycheckout:Till" not in [name for name, _ in known_senders()]
