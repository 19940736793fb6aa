"""Async receivers with `outside` where no transaction is open, in each kind of send."""

import asyncio

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.errors import BoundaryError, RunningLoopError

SENDS = ("send", "send_robust", "asend", "asend_robust")


@pytest.fixture
def paid():
    """Return a signal, and the calls of its receivers."""
    signal = Signal(name="shop.paid")
    calls = []

    def connect(outside):
        async def receive(**kwargs):
            await asyncio.sleep(0)
            calls.append(outside)

        signal.connect(receive, delivery=on_commit(outside=outside), weak=False)
        return signal

    return connect, calls


def made(signal, name, session=None):
    """Send outside a loop if the send is sync, and in a loop if it is async."""
    given = {} if session is None else {"session": session}
    result = getattr(signal, name)("shop", **given)
    [(_, response)] = asyncio.run(result) if name.startswith("a") else result
    return response


@pytest.mark.parametrize("name", SENDS)
@pytest.mark.parametrize("outside", ["run", "skip"])
def test_it_runs_or_is_skipped(paid, name, outside):
    """The call is made at once or dropped, and its handle has the status."""
    connect, calls = paid
    scheduled = made(connect(outside), name)
    assert calls == (["run"] if outside == "run" else [])
    assert scheduled.is_at_once == (outside == "run")
    assert scheduled.outcome == ("ran" if outside == "run" else "dropped")


@pytest.mark.parametrize("name", SENDS)
def test_it_is_refused(paid, name):
    """A send raises the refusal, and a robust one returns it."""
    connect, calls = paid
    signal = connect("refuse")
    if name.endswith("robust"):
        assert isinstance(made(signal, name), BoundaryError)
    else:
        with pytest.raises(BoundaryError, match="no transaction is open here"):
            made(signal, name)
    assert calls == []


@pytest.mark.parametrize("outside", ["run", "skip", "refuse"])
def test_it_waits_where_a_transaction_is_open(paid, outside):
    """`outside` changes nothing inside a transaction, sync or async."""
    connect, calls = paid
    signal = connect(outside)

    async def main():
        async with atomic():
            await signal.asend("shop")
            assert calls == [outside]

    with atomic():
        signal.send("shop")
        assert calls == []
    assert calls == [outside]
    asyncio.run(main())
    assert calls == [outside, outside]


def test_a_send_in_a_loop_is_refused_only_if_it_would_await(paid):
    """`send` in a loop cannot await a receiver that runs, and need not await the others."""
    connect, calls = paid

    async def main(signal, name):
        return getattr(signal, name)("shop")

    skipping = connect("skip")
    [(_, scheduled)] = asyncio.run(main(skipping, "send"))
    assert scheduled.outcome == "dropped"
    connect("refuse")
    with pytest.raises(BoundaryError, match="no transaction is open here"):
        asyncio.run(main(skipping, "send"))
    connect("run")
    with pytest.raises(RunningLoopError, match="cannot await"):
        asyncio.run(main(skipping, "send"))
    assert calls == []
