"""A traceback begins in the receiver."""

import traceback

import pytest

from clarion import durable
from clarion._core.instrument import Instrument, attach, detach
from clarion.errors import Reject
from clarion.worker.traces import below_worker
from tests.worker.stage import worker


def fail():
    """Fail below the receiver."""
    raise Reject("it has failed")


def _functions(text):
    """Return the names of the functions in a traceback."""
    return [line.rpartition(", in ")[2] for line in text.split("\n") if line.startswith("  File ")]


@pytest.mark.parametrize("options", [{}, {"effects": "same database"}, {"timeout": 60.0}])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("is_watched", [False, True])
def test_a_dead_letter_shows_the_receiver_first(
    sqlite_stage, paid, logged, options, kind, is_watched
):
    """In the log too. Frames below the receiver stay."""

    def receive(sender, **kwargs):
        fail()

    async def areceive(sender, **kwargs):
        fail()

    receiver = receive if kind == "sync" else areceive
    paid.connect(receiver, delivery=durable(name="fail", **options))
    sqlite_stage.send(paid, [{}])
    instrument = Instrument()
    if is_watched:
        attach(instrument)
    worker(sqlite_stage).drain()
    if is_watched:
        detach(instrument)
    (dead,) = sqlite_stage.dead()
    assert _functions(dead.error) == [receiver.__name__, "fail"]
    assert _functions(logged.text) == [receiver.__name__, "fail"]


def test_frames_of_clarion_below_the_receiver_stay(sqlite_stage, paid):
    """Such as those of a connection that is refused."""

    @paid.connect(delivery=durable(name="send", retries=0))
    def receive(sender, **kwargs):
        paid.connect(lambda: None)

    sqlite_stage.send(paid, [{}])
    worker(sqlite_stage).drain()
    (dead,) = sqlite_stage.dead()
    names = _functions(dead.error)
    assert names[0] == "receive"
    assert len(names) > 1


def test_an_error_without_a_receiver_keeps_every_frame(sqlite_stage, paid):
    """A payload that cannot be decoded is a matter of the worker."""

    @paid.connect(delivery=durable(name="seen", retries=0))
    def receive(sender, **kwargs):
        raise AssertionError("it is not called")

    sqlite_stage.send(paid, [{}])
    sqlite_stage.damage("payload", "{", sqlite_stage.uids()[0])
    worker(sqlite_stage).drain()
    (dead,) = sqlite_stage.dead()
    assert _functions(dead.error)[0] != "receive"
    assert "DecodingError" in dead.error


def test_an_error_without_a_traceback_has_none():
    """Such as that of a receiver that took too long."""
    assert below_worker(None) is None
    assert traceback.format_exception(TimeoutError, TimeoutError("late"), None) == [
        "TimeoutError: late\n"
    ]
