"""Public blocks that are also decorators: `commits`, `restored` and `without_engines`."""

import asyncio

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.errors import ArgumentError
from clarion.testing import commits, restored, without_engines
from clarion.testing.blocks import block
from clarion.testing.engines import kept_calls

opened = Signal(name="shop.opened")


def listen(**kwargs):
    """Return nothing."""


def test_a_block_may_be_entered_again():
    """One block may be entered several times, and passes the error of each to its function."""
    notes = []

    @block
    def noted():
        """Note the error."""
        try:
            yield
        except LookupError:
            notes.append("error")
        finally:
            notes.append("end")

    made = noted()
    with made, made:
        raise LookupError
    assert notes == ["error", "end", "end"]
    assert (noted.__name__, noted.__doc__) == ("noted", "Note the error.")


def test_restored_decorates():
    """A decorated function, sync or async, leaves no receiver connected."""

    @restored()
    def connect():
        opened.connect(listen)
        return opened.has_listeners()

    @restored()
    async def connect_async():
        await asyncio.sleep(0)
        opened.connect(listen)
        return opened.has_listeners()

    assert connect()
    assert not opened.has_listeners()
    assert asyncio.run(connect_async())
    assert not opened.has_listeners()


def test_commits_decorates():
    """In a decorated function, sync or async, receivers run at the end of its own transaction."""
    signal, ran = Signal(), []
    signal.connect(lambda **kwargs: ran.append("ran"), delivery=on_commit)

    @commits()
    def work():
        with atomic():
            signal.send(None)
        ran.append("after")

    @commits()
    async def work_async():
        await asyncio.sleep(0)
        with atomic():
            signal.send(None)
        ran.append("after")

    async def main():
        with atomic():
            await work_async()

    with atomic():
        work()
    asyncio.run(main())
    assert ran == ["ran", "after", "ran", "after"]


def test_without_engines_decorates():
    """Inside an async function that is decorated, calls are kept."""

    @without_engines()
    async def work():
        return kept_calls()

    assert asyncio.run(work()) is not None
    assert kept_calls() is None


def generator():
    """Yield nothing."""
    yield


@pytest.mark.parametrize("made", [commits, restored, without_engines])
def test_a_generator_or_class_is_refused(made):
    """A generator, such as a fixture, and a class of tests are refused with the name of the block."""
    for function in (generator, Signal):
        with pytest.raises(ArgumentError, match=rf"^{made.__name__}\(\) cannot decorate"):
            made()(function)
