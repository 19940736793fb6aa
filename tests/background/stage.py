"""What the conformance suite needs to know of an engine: its broker, its delivery, its workers.

To add an engine, write a module in `stages` with a class derived from `Stage`, and a test module:

    class TestMine(Conformance, BrokerConformance):
        stage_class = MyStage

The worker is a real process. It imports a module that connects the receivers of `program`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clarion.background import EngineDelivery
from tests.background.effects import Effects
from tests.background.program import DATABASE

ROOT = Path(__file__).parents[2]


class Stage:
    """One engine with its broker and its worker processes. Derive from it.

    Args:
        folder: an empty folder.

    Attributes:
        broker: what can be stopped and started again: see `brokers`.
        delivery: the delivery of the test's own process.
        effects: what the receivers did.
        worker: the worker process.
        parking: options by which the engine keeps a call where no worker takes it.
        unknown: an option that the engine does not have; None if it cannot know.
        retries: whether the engine can try again.
        ready: what a worker prints once it is ready.
        database: the URL of a database for an outbox.
        relay: a module with the delivery, for a worker of the outbox; None without one.
    """

    parking: Mapping[str, Any] = {}
    unknown: Mapping[str, Any] | None = {"queu": "mail"}
    retries = True
    ready = ""
    relay: str | None = None

    broker: object
    delivery: EngineDelivery

    def __init__(self, folder):
        self.folder = folder
        self.effects = Effects(folder / "effects")
        self.log = folder / "worker.log"
        self.workers = []
        self.database = f"sqlite:///{folder}/shop.db"

    def command(self):
        """Return the arguments after `python` that start a worker."""
        raise NotImplementedError

    def environment(self):
        """Return environment variables of the worker beside the usual ones."""
        return {}

    def parked(self):
        """Return how many calls are where `parking` keeps them."""
        raise NotImplementedError

    def worker_environment(self, release="new"):
        """Return the environment of a process with the receivers."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
            "PYTHONUNBUFFERED": "1",
            "CLARION_TEST_WORKER": "1",
            "CLARION_TEST_RELEASE": release,
            Effects.VARIABLE: str(self.effects.path),
            DATABASE: self.database,
            **self.environment(),
        }

    def start_worker(self, release="new"):
        """Start a worker process, and wait until it is ready.

        Args:
            release: "old" for a program without the receiver `newest`.
        """
        seen = len(self.output())
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, *self.command()],
                env=self.worker_environment(release),
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.workers.append(worker)
        self.wait_for_output(self.ready, seen)
        return worker

    def is_working(self):
        """Return whether a worker runs."""
        return any(worker.poll() is None for worker in self.workers)

    def stop_broker(self):
        """Stop the broker; the workers wait until it is back."""
        self.broker.stop()  # type: ignore[attr-defined]

    def output(self):
        """Return what the workers have printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for_output(self, text, seen=0, seconds=60.0):
        """Wait until the workers have printed a text, after the first `seen` characters."""
        deadline = time.monotonic() + seconds
        while text not in self.output()[seen:]:
            assert time.monotonic() < deadline, f"no {text} in: {self.output()[-3000:]}"
            time.sleep(0.02)

    def kill_workers(self, number=signal.SIGKILL):
        """Send a signal to the process groups of the workers, and wait for their end."""
        workers, self.workers = self.workers, []
        for worker in workers:
            if worker.poll() is None:
                os.killpg(worker.pid, number)
        for worker in workers:
            worker.wait(30)

    def close(self):
        """End the workers and the broker."""
        self.kill_workers()
        self.broker.close()  # type: ignore[attr-defined]
