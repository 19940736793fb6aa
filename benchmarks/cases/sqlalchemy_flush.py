"""A SQLAlchemy flush, with connected receivers and without Clarion.

After the first connect, the hooks stay for the whole process. So each state has a process:
`python -m benchmarks.cases.sqlalchemy_flush STATE WHAT` reads from each line how often to
flush, and prints the seconds that this took. Only the flush is timed.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref
from functools import partial
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

from benchmarks import receivers
from benchmarks.cases import Case, Pair, UnavailableError
from benchmarks.peers import Clarion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.peers import Library

INTEGRATION = "clarion.integrations.sqlalchemy"
SIGNALS = ("pre_save", "post_save", "pre_delete", "post_delete")
OBJECTS = 10_000
CHECKED = 1_000


class Worker:
    """Another process with one state and one kind of write; it ends with this object."""

    def __init__(self, state: str, what: str, environment: Mapping[str, str]) -> None:
        """Start it; UnavailableError if it cannot measure."""
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "benchmarks.cases.sqlalchemy_flush", state, what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": "0", **environment},
        )
        weakref.finalize(self, self._process.communicate)
        problem = self._answer()
        if problem is not None:
            raise UnavailableError(problem)

    def flush(self, times: int) -> float:
        """Flush `times` times; return the seconds that this took."""
        assert self._process.stdin is not None
        print(times, file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise UnavailableError("the process that flushes has died")
        return json.loads(line)


def flushing(state: str, what: str, libraries: Sequence[Library]) -> list[Pair]:
    """Flush with the receivers of the state, and without Clarion."""
    without = Worker("off", what, {}).flush
    return [
        Pair(each.name, Worker(state, what, each.environment).flush, without)
        for each in libraries
        if isinstance(each, Clarion)
    ]


class Bench:
    """A table in memory with one kind of write.

    Args:
        state: "off" without Clarion, "other" with receivers of another class, "all" with one
            for each of the four signals.
        what: "insert", "update" or "delete".
    """

    def __init__(self, state: str, what: str) -> None:
        """Set it up; ImportError if SQLAlchemy or the integration is missing."""
        self._orm = import_module("sqlalchemy.orm")
        self._order, other = models()
        self._engine = import_module("sqlalchemy").create_engine("sqlite://")
        self._order.metadata.create_all(self._engine)
        self._write: Callable[[Any, list[Any]], None] = getattr(self, f"_{what}")
        if state != "off":
            integration = import_module(INTEGRATION)
            for name in SIGNALS:
                (listener,) = receivers.instances(1)
                sender = self._order if state == "all" else other
                getattr(integration, name).connect(listener, sender=sender)

    def run(self, times: int, objects: int = OBJECTS) -> float:
        """Flush `times` times with new objects; return the seconds of the flushes."""
        taken = 0.0
        for _ in range(times):
            with self._orm.Session(self._engine, expire_on_commit=False) as session:
                orders = [self._order(id=n + 1, name="a", amount=n) for n in range(objects)]
                session.add_all(orders)
                if self._write != self._insert:
                    session.flush()
                    self._write(session, orders)
                started = process_time()
                session.flush()
                taken += process_time() - started
        return taken

    def _insert(self, session: Any, orders: list[Any]) -> None:
        """Leave the new objects to the timed flush."""

    def _update(self, session: Any, orders: list[Any]) -> None:
        for order in orders:
            order.name += "b"

    def _delete(self, session: Any, orders: list[Any]) -> None:
        for order in orders:
            session.delete(order)


def models() -> tuple[Any, Any]:
    """Make two mapped classes."""
    sqlalchemy, orm = import_module("sqlalchemy"), import_module("sqlalchemy.orm")
    base = orm.declarative_base()

    def make(name: str) -> Any:
        columns = {
            "id": sqlalchemy.Column(sqlalchemy.Integer, primary_key=True),
            "name": sqlalchemy.Column(sqlalchemy.String(20)),
            "amount": sqlalchemy.Column(sqlalchemy.Integer),
        }
        return type(name, (base,), {"__tablename__": name.lower(), **columns})

    return make("Order"), make("Other")


def check(state: str, what: str) -> None:
    """Fail unless every receiver is called for each object."""
    with receivers.counting() as calls:
        Bench(state, what).run(1, CHECKED)
    expected = (2 if what == "insert" else 4) * CHECKED if state == "all" else 0
    if len(calls) != expected:
        raise UnavailableError(f"{len(calls)} of {expected} receivers are called")


def main(state: str, what: str) -> None:
    """Answer requests until the input ends."""
    try:
        bench = Bench(state, what)
        check(state, what)
    except (ImportError, AttributeError, UnavailableError) as error:
        print(json.dumps(str(error)), flush=True)
        return
    print(json.dumps(None), flush=True)
    gc.disable()
    for line in sys.stdin:
        print(bench.run(int(line)), flush=True)
        gc.collect()


def case(state: str, what: str, target: float) -> Case:
    """Return the case of one kind of write in one state."""
    connected = "4 receivers of this class" if state == "all" else "receivers of another class"
    name = f"SQLAlchemy flush, 10,000 x {what}, {connected}"
    build = partial(flushing, state, what)
    return Case(name, "without Clarion", target, build, slow=True)


CASES = [
    case("other", "insert", 1.05),
    case("other", "update", 1.05),
    case("other", "delete", 1.05),
    case("all", "insert", 1.35),
    case("all", "update", 2.0),
    case("all", "delete", 2.0),
]

if __name__ == "__main__":
    main(*sys.argv[1:])
