"""The protocol of an engine, and its defaults."""

import asyncio
import threading
from uuid import uuid4

import pytest

from clarion.background import Call, CallOptions, Engine


class Threads(Engine):
    """Notes the thread of each call."""

    def __init__(self):
        self.threads = []

    def enqueue(self, call):
        self.threads.append(threading.get_ident())


CALL = Call("mail", uuid4(), "{}")


def test_defaults():
    """An engine keeps no order, writes in no transaction, and loses nothing that it knows of."""
    engine = Threads()
    assert (engine.keeps_order, engine.in_transaction, engine.holds_thread) == (False,) * 3
    assert list(engine.losses()) == []
    engine.check(CallOptions())
    assert not engine.enqueue_in(CALL, None)
    assert not asyncio.run(engine.aenqueue_in(CALL, None))


def test_async_code_enqueues_in_a_thread():
    """Without an `aenqueue` of its own, an engine does not block the event loop."""
    engine = Threads()
    asyncio.run(engine.aenqueue(CALL))
    assert engine.threads
    assert engine.threads != [threading.get_ident()]


def test_enqueue_has_to_be_defined():
    """An engine that cannot enqueue says so."""
    with pytest.raises(NotImplementedError):
        type("Nothing", (Engine,), {})().enqueue(CALL)
