"""Retries, postponed deliveries and dead letters after a receiver has raised."""

import pytest

from clarion import durable
from clarion.errors import Reject, Retry
from clarion.worker import Worker
from clarion.worker.failures import error_text
from tests.worker.stage import until_empty, worker


def test_a_retry_is_not_overtaken(stage, paid):
    """Later deliveries of its key wait; other keys continue."""
    seen = []

    @paid.connect(delivery=durable(name="ordered", key="key", backoff=0.0))
    def receive(sender, key, n, attempt, **kwargs):
        if key == "a" and n == 1 and attempt < 4:
            raise ValueError
        seen.append((key, n))

    stage.send(paid, [{"key": key, "n": n} for n in range(5) for key in "ab"])
    until_empty(stage)
    assert [n for key, n in seen if key == "a"] == list(range(5))
    assert [n for key, n in seen if key == "b"] == list(range(5))


@pytest.mark.parametrize("dead", ["block", "pass"])
def test_what_happens_behind_a_dead_delivery_is_chosen(stage, paid, dead):
    """Later deliveries of the key wait by default, and run with dead="pass"."""
    seen = []

    @paid.connect(delivery=durable(name="ordered", key="key", dead=dead))
    def receive(sender, key, n, **kwargs):
        if (key, n) == ("a", 0):
            raise Reject("there is no such address")
        seen.append((key, n))

    stage.send(paid, [{"key": key, "n": n} for n in range(2) for key in "ab"])
    worker(stage).drain()
    assert sorted(seen) == [*([("a", 1)] if dead == "pass" else []), ("b", 0), ("b", 1)]
    (buried,) = stage.dead()
    assert "there is no such address" in buried.error
    assert stage.waiting() == (0 if dead == "pass" else 1, 1)


def test_retry_names_its_wait(stage, paid):
    """`Retry` counts as a failure, and sets the wait."""

    @paid.connect(delivery=durable(name="later", retries=1))
    def receive(sender, n, attempt, **kwargs):
        raise Retry("not yet", after=3600 if n else 0)

    stage.send(paid, [{"n": 0}, {"n": 1}])
    worker(stage).drain()
    worker(stage).drain()
    assert stage.waiting() == (1, 1)


def test_a_damaged_delivery_does_not_stop_the_others(stage, paid):
    """A damaged delivery is given up with a clear error; the others are made."""
    seen = []

    @paid.connect(delivery=durable(name="seen", retries=0))
    def receive(sender, n, **kwargs):
        seen.append(n)

    stage.send(paid, [{"n": n} for n in range(4)])
    uids = stage.uids()
    stage.damage("payload", "no JSON", uids[0])
    stage.damage("payload", "[1]", uids[1])
    stage.damage("headers", "no JSON", uids[2])
    until_empty(stage)
    assert len(seen) == 1
    assert len(stage.dead()) == 3


def test_a_newer_version_waits(stage, paid):
    """A delivery of a newer version waits for a newer worker, and counts no failure."""

    @paid.connect(delivery=durable(name="seen", retries=0))
    def receive(sender, n, **kwargs):
        raise AssertionError

    stage.send(paid, [{"n": 1}])
    stage.run("UPDATE clarion_event SET version = 2")
    worker(stage).drain()
    assert stage.waiting() == (1, 0)


def test_the_text_of_an_error_has_no_character_that_a_connection_refuses():
    """A settlement by a connection with utf8mb3 must not fail because of an emoji."""
    text = error_text(ValueError("é\0\ud800\N{GRINNING FACE}"))
    assert "é\\0\\ud800\\U0001f600" in text


ENCODINGS = {"postgresql": {"client_encoding": "LATIN1"}, "mysql": {"charset": "latin1"}}


def test_a_character_that_a_connection_lacks_does_not_stop_the_worker(server_stage, paid):
    """The traceback is stored with escapes, and the other deliveries are made."""
    seen = []

    @paid.connect(delivery=durable(name="seen", retries=0))
    def receive(sender, n, **kwargs):
        if n == 0:
            raise ValueError("ä \N{CJK UNIFIED IDEOGRAPH-4E2D}")
        seen.append(n)

    server_stage.send(paid, [{"n": 0}, {"n": 1}])
    of_class = type(server_stage.database)
    database = of_class(server_stage.url, **ENCODINGS[server_stage.database.dialect])
    try:
        assert Worker(database).drain() == {"dead": 1, "made": 1}
    finally:
        database.close_idle()
    assert seen == [1]
    assert "ValueError: \\xe4 \\u4e2d" in server_stage.dead()[0].error
