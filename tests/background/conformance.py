"""What holds for every engine, with its real broker and real worker processes."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from clarion.background import Call
from clarion.background.call import write_body
from clarion.commit import atomic
from clarion.envelope import seal
from clarion.errors import ArgumentError
from clarion.outbox import open_database, store
from clarion.outbox.tables import create_tables
from clarion.worker import Worker
from tests.background import program
from tests.background.effects import Effects
from tests.background.program import actor, happened
from tests.background.relay import LEASE


@pytest.mark.service
class Connected:
    """Connects the receivers; `stage_class` is the stage of an engine."""

    stage_class: type

    @pytest.fixture(autouse=True)
    def _connected(self, stage, monkeypatch):
        """Connect the receivers in this process too, as the program that sends does."""
        monkeypatch.setenv(Effects.VARIABLE, str(stage.effects.path))
        if not stage.is_working():
            stage.start_worker()
        program.connect(stage.delivery, retries=stage.retries)

    @pytest.fixture
    def name(self):
        """Return a name that no other test has."""
        return uuid.uuid4().hex

    def reach(self, stage):
        """Send to a receiver, and wait for it: earlier calls have arrived then too."""
        marker = uuid.uuid4().hex
        happened.send("note", name=marker)
        return stage.effects.wait_for("note", marker)[0]


class Conformance(Connected):
    """The tests that every engine passes."""

    def test_a_call_waits_for_the_commit(self, stage, name, connection):
        """The engine gets a call after the commit, and never before it."""
        with atomic(connection):
            ((_, response),) = happened.send("note", name=name)
            # In a thread, whose sends are not in this transaction.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(self.reach, stage).result()
            assert stage.effects.of("note", name) == []
        assert response.status == "enqueued"
        (effect,) = stage.effects.wait_for("note", name)
        assert effect["uid"] == str(response.uid)
        assert effect["attempt"] == 1
        assert effect["pid"] != os.getpid()

    def test_a_rollback_loses_the_call(self, stage, name, connection):
        """After a rollback, of a savepoint too, the engine never gets the call."""
        with pytest.raises(LookupError), atomic(connection):
            happened.send("note", name=name)
            raise LookupError
        with atomic(connection):
            with pytest.raises(LookupError), atomic(connection):
                happened.send("note", name=name)
                raise LookupError
            happened.send("note", name=f"{name} after")
        stage.effects.wait_for("note", f"{name} after")
        self.reach(stage)
        assert stage.effects.of("note", name) == []

    def test_options_reach_the_engine(self, stage, name):
        """An option of the engine that the receiver names has its effect on the call."""
        before = stage.parked()
        happened.connect(program.note, sender="parked", delivery=stage.delivery(**stage.parking))
        happened.send("parked", name=name)
        assert stage.parked() == before + 1
        self.reach(stage)
        assert stage.effects.of("note", name) == []

    def test_unknown_options_are_refused(self, stage):
        """An option that the engine does not have is refused at connect."""
        if stage.unknown is None:
            pytest.skip("the engine accepts any option")
        with pytest.raises(ArgumentError) as caught:
            happened.connect(
                program.note, sender="unknown", delivery=stage.delivery(**stage.unknown)
            )
        assert set(caught.value.names) == set(stage.unknown)

    def test_retries_are_counted(self, stage, name):
        """A receiver with `retries=2` runs three times; an engine without retries refuses the option."""
        if not stage.retries:
            with pytest.raises(ArgumentError, match="retries"):
                happened.connect(program.fail, sender="x", delivery=stage.delivery(retries=2))
            return
        happened.send("fail", name=name)
        found = stage.effects.wait_for("fail", name, count=3)
        self.reach(stage)
        assert [each["attempt"] for each in found] == [1, 2, 3]
        assert len(stage.effects.of("fail", name)) == 3

    def test_without_retries_there_is_one_run(self, stage, name):
        """A receiver without `retries` is not called again, also if it raises `Retry`."""
        happened.connect(program.ask_again, sender="once", delivery=stage.delivery)
        happened.connect(program.note, sender="later", delivery=stage.delivery(delay=1))
        happened.send("once", name=name)
        stage.effects.wait_for("ask_again", name)
        happened.send("later", name=name)
        stage.effects.wait_for("note", name)
        assert len(stage.effects.of("ask_again", name)) == 1

    def test_a_key_is_kept_or_refused(self, stage, name):
        """An engine that does not keep the order of a key refuses it."""
        with pytest.raises(ArgumentError, match="does not keep the order") as caught:
            happened.connect(program.note, sender="keyed", delivery=stage.delivery(key="name"))
        assert list(caught.value.names) == ["key"]

    def test_a_receiver_decides(self, stage, name):
        """A receiver that raises `Retry` runs again, and one that raises `Reject` does not."""
        if not stage.retries:
            pytest.skip("the engine has no retries")
        happened.send("reject", name=name)
        happened.send("ask_again", name=name)
        found = stage.effects.wait_for("ask_again", name, count=2)
        assert [each["attempt"] for each in found] == [1, 2]
        self.reach(stage)
        assert len(stage.effects.of("reject", name)) == 1

    def test_a_delay_is_kept(self, stage, name):
        """A call with a delay runs after a later one without."""
        happened.connect(program.note, sender="delayed", delivery=stage.delivery(delay=2))
        happened.send("delayed", name=name)
        self.reach(stage)
        assert stage.effects.of("note", name) == []
        stage.effects.wait_for("note", name)

    def test_async_receivers_are_awaited(self, stage, name):
        """A receiver may be async, whatever the engine."""
        happened.send("anote", name=name)
        stage.effects.wait_for("anote", name)

    def test_the_context_of_the_sender_is_restored(self, stage, name):
        """Carried context variables have the sender's values in the worker."""
        token = actor.set("ada")
        happened.send("note", name=name)
        happened.send("anote", name=name)
        actor.reset(token)
        found = stage.effects.wait_for("note", name) + stage.effects.wait_for("anote", name)
        assert [each["actor"] for each in found] == ["ada", "ada"]
        assert self.reach(stage)["actor"] == "nobody"

    def test_asend_hands_over(self, stage, name, connection):
        """An `asend` waits for the commit, and enqueues without blocking the event loop."""

        async def main():
            with atomic(connection):
                ((_, response),) = await happened.asend("note", name=name)
                assert response.status == "waiting"
            await happened.asend("anote", name=name)
            return response

        assert asyncio.run(main()).status == "enqueued"
        stage.effects.wait_for("note", name)
        stage.effects.wait_for("anote", name)

    def test_a_receiver_that_is_deployed_later_runs(self, stage, name):
        """A worker that does not know the receiver yet keeps the call until it does."""
        if not stage.retries:
            pytest.skip("the engine has no retries")
        stage.kill_workers(signal.SIGTERM)
        stage.start_worker("old")
        seen = len(stage.output())
        happened.send("newest", name=name)
        stage.wait_for_output("UnknownReceiverError", seen)
        stage.kill_workers(signal.SIGTERM)
        stage.start_worker()
        stage.effects.wait_for("newest", name)

    def test_duplicates_have_the_same_uid(self, stage, name):
        """If the engine makes a call twice, both have the same uid."""
        envelope = seal(happened, {"sender": "note", "signal": happened, "name": name})
        receiver = f"{program.__name__}:note"
        options = stage.delivery.options.engine
        body = write_body(receiver, None, envelope)
        call = Call(receiver, envelope.uid, body, options=options)
        stage.delivery.engine.enqueue(call)
        stage.delivery.engine.enqueue(call)
        found = stage.effects.wait_for("note", name, count=2)
        assert [each["uid"] for each in found] == [str(envelope.uid)] * 2


@pytest.mark.service
class BrokerConformance:
    """The tests of engines with a broker that can be stopped."""

    def test_a_stopped_broker_does_not_break_the_commit(self, stage, name, connection, caplog):
        """If the broker is down, the commit succeeds, the error is logged and counted, and later calls run."""
        connection.execute("CREATE TABLE orders (id)")
        before = stage.delivery.counts["failed"]
        stage.stop_broker()
        try:
            with caplog.at_level(logging.ERROR, "clarion.background"), atomic(connection):
                connection.execute("INSERT INTO orders VALUES (1)")
                ((_, response),) = happened.send("note", name=name)
            with pytest.raises(Exception):  # noqa: B017, PT011  # each engine has its own
                happened.send("note", name=f"{name} outside")
        finally:
            stage.broker.start()
        assert response.status == "failed"
        assert isinstance(response.response, Exception)
        assert stage.delivery.counts["failed"] == before + 2
        assert [r.name for r in caplog.records if "was not handed" in r.message] == [
            "clarion.background"
        ]
        assert connection.execute("SELECT id FROM orders").fetchall() == [(1,)]
        happened.send("note", name=f"{name} later")
        stage.effects.wait_for("note", f"{name} later")
        assert stage.effects.of("note", name) == []


class Outbox:
    """The outbox of a stage.

    Args:
        database: its database.
        connection: a connection to it.
    """

    def __init__(self, database, connection):
        self.database = database
        self.connection = connection

    def waiting(self):
        """Return how many deliveries wait."""
        return sum(each.deliveries for each in store.waiting(self.connection))

    def empty(self, seconds=60.0):
        """Make deliveries until none waits, not even for a retry or the end of a lease."""
        deadline = time.monotonic() + seconds
        while self.waiting():
            assert time.monotonic() < deadline, "deliveries still wait"
            Worker(self.database, lease=LEASE).drain()
            time.sleep(0.1)


@pytest.mark.service
class ViaConformance:
    """The tests of `durable(via=...)`, for engines that lose nothing as they are configured."""

    stage_class: type

    @pytest.fixture
    def outbox(self, stage):
        """Yield an empty outbox, and a table for the receiver `pay`."""
        database: Any = open_database(stage.database)
        with closing(database.connect()) as connection:
            with connection.transaction():
                create_tables(connection)
                connection.connection.execute("CREATE TABLE IF NOT EXISTS payments (name)")
            yield Outbox(database, connection)

    def test_nothing_is_lost_while_the_broker_is_down(self, stage, name, outbox):
        """A stored delivery waits while the broker is down, and is handed over when it is back."""
        stage.stop_broker()
        try:
            with atomic(outbox.connection.connection):
                happened.send("stored", name=name)
            Worker(outbox.database).drain()
            assert outbox.waiting() == 1
        finally:
            stage.broker.start()
        outbox.empty()
        (effect,) = stage.effects.wait_for("note", name)
        assert effect["pid"] != os.getpid()

    def hand_over_and_die(self, stage, name, outbox):
        """Let a worker of the outbox hand over a delivery to `pay`, and be killed before it settles it."""
        if stage.relay is None:
            pytest.skip("the stage has no module for a worker of the outbox")
        with atomic(outbox.connection.connection):
            happened.send("pay", name=name)
        command = [sys.executable, "-m", "tests.background.relay", stage.relay, stage.database]
        died = subprocess.run(
            command, env=stage.worker_environment(), cwd=stage.folder, check=False, timeout=120
        )
        assert died.returncode == -signal.SIGKILL
        assert outbox.waiting() == 1

    def test_a_crash_after_the_hand_over_gives_a_duplicate_without_effect(
        self, stage, name, outbox
    ):
        """After a crash the duplicate has the same uid, and a receiver with an inbox writes once."""
        self.hand_over_and_die(stage, name, outbox)
        seen = len(stage.output())
        outbox.empty()
        stage.wait_for_output("has had its effect already", seen)
        assert len(stage.effects.of("pay", name)) == 1
        paid = outbox.connection.connection.execute("SELECT name FROM payments").fetchall()
        assert paid == [(name,)]


class LossConformance(Connected):
    """The test of engines that forget a call when a worker takes it."""

    def test_a_killed_worker_loses_its_call(self, stage, name):
        """The call that a killed worker was making is lost, as the delivery says."""
        assert stage.delivery.losses()
        happened.send("slow", name=name)
        stage.effects.wait_for("slow begins", name)
        stage.kill_workers(signal.SIGKILL)
        stage.start_worker()
        self.reach(stage)
        assert len(stage.effects.of("slow begins", name)) == 1
        assert stage.effects.of("slow", name) == []


@pytest.mark.service
class KillConformance:
    """The tests of engines that survive the death of a worker, with the setting that it takes."""

    def test_a_killed_worker_loses_nothing(self, stage, name):
        """A call that a killed worker was making is made again, with the same uid."""
        assert list(stage.delivery.engine.losses()) == []
        happened.send("slow", name=name)
        stage.effects.wait_for("slow begins", name)
        stage.kill_workers(signal.SIGKILL)
        stage.start_worker()
        (made,) = stage.effects.wait_for("slow", name, seconds=120)
        begun = stage.effects.of("slow begins", name)
        assert {each["uid"] for each in begun} == {made["uid"]}
        assert len({each["pid"] for each in begun}) == 2
