"""A process of one contender: it reads a command from each line, and answers it.

A command is a list in JSON: a method of `Commands`, and its arguments by name.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import UnsupportedError, connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.durable.contender import Contender

ROOT = Path(__file__).parents[2]
TURN = 20  # transactions; then another number of receivers has its turn


class FailedError(Exception):
    """The process of a contender could not answer."""


class Commands:
    """The commands.

    Args:
        contender: what runs them.
    """

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._seen: list[tuple[int, int]] = []

    def create(self) -> None:
        """Create the tables, and drop those of an earlier run."""
        self.drop()
        self._contender.create()
        connect(self._contender.url).execute("CREATE TABLE bench (number integer)")

    def drop(self) -> None:
        """Drop the tables."""
        self._contender.drop()
        connect(self._contender.url).execute("DROP TABLE IF EXISTS bench")

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Store deliveries."""
        self._contender.fill(rows, keyed=keyed)

    def drain(self, *, keyed: bool) -> None:
        """Make them."""
        self._contender.drain(keyed=keyed)

    def serve(self) -> None:
        """Start a worker that notes when it receives a number."""
        self._contender.serve(lambda number: self._seen.append((number, time.monotonic_ns())))

    def seen(self) -> list[tuple[int, int]]:
        """Return the numbers, and when each was received, in nanoseconds."""
        return self._seen

    def send(self, numbers: int, pause: float) -> list[int]:
        """Send numbers with a pause after each; return when each commit ended, in nanoseconds."""
        send = self._contender.send_one()
        ended: list[int] = []
        for number in range(numbers):
            send(number)
            ended.append(time.monotonic_ns())
            # Not in step with a worker that polls.
            time.sleep(pause * (0.5 + (number * 0.618) % 1))
        return ended

    def publish(self, counts: Sequence[int], sends: int) -> list[float | None]:
        """Return the median seconds of a transaction for each number of receivers, in turns."""
        publishers = [self._publisher(count) for count in counts]
        seconds: list[list[float]] = [[] for _ in counts]
        for start in range(-TURN, sends, TURN):  # the first turn is not counted
            for place, publish in enumerate(publishers):
                for number in range(start, start + TURN):
                    begun = perf_counter()
                    if publish is not None:
                        publish(number)
                    if start >= 0:
                        seconds[place].append(perf_counter() - begun)
        made = zip(publishers, seconds, strict=True)
        return [None if publish is None else median(each) for publish, each in made]

    def _publisher(self, count: int) -> Any:
        try:
            return self._contender.publisher(count)
        except UnsupportedError:
            return None


class Process:
    """A process of a contender; it ends with this object.

    Args:
        kind: the contender.
        url: the URL of the database.

    Raises:
        FailedError: if it cannot start.
    """

    def __init__(self, kind: type[Contender], url: str) -> None:
        self._name = kind.__name__
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "benchmarks.durable.process", self._name, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE": "1"},
        )
        weakref.finalize(self, _end, self._process)
        self.answer()

    def begin(self, command: str, **arguments: Any) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        print(json.dumps([command, arguments]), file=self._process.stdin, flush=True)

    def answer(self) -> Any:
        """Return the answer to a command; FailedError if it has failed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(f"{self._name} has ended")
        kind, value = json.loads(line)
        if kind == "error":
            raise FailedError(value)
        return value

    def run(self, command: str, **arguments: Any) -> Any:
        """Send a command, and return its answer."""
        self.begin(command, **arguments)
        return self.answer()

    def end(self) -> None:
        """End the process."""
        _end(self._process)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def main(name: str, url: str) -> None:
    """Answer commands until the input ends."""
    from benchmarks.durable.contenders import EVERY

    logging.disable(logging.WARNING)
    answers, sys.stdout = sys.stdout, sys.stderr  # a library may print
    (kind,) = [each for each in EVERY if each.__name__ == name]

    def answer(what: str, value: Any) -> None:
        print(json.dumps([what, value]), file=answers, flush=True)

    try:
        contender = kind(url)
        contender.prepare()
        commands = Commands(contender)
        answer("value", None)
        for line in sys.stdin:
            command, arguments = json.loads(line)
            answer("value", getattr(commands, command)(**arguments))
    except Exception as error:  # noqa: BLE001  # the report names it
        answer("error", f"{type(error).__name__}: {error}")
    os._exit(0)  # a worker may still run in a thread


if __name__ == "__main__":
    main(*sys.argv[1:])
