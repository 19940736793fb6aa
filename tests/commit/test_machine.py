"""Random transactions compared with a simple model, however they are nested and end."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clarion import Signal, on_commit
from clarion.commit import atomic
from tests.commit.failing import BoomError

pytestmark = pytest.mark.usefixtures("_plain_python")


@dataclass(frozen=True)
class Send:
    """Write a row and send it; receivers that coalesce do so by the key."""

    key: int


@dataclass(frozen=True)
class Block:
    """An atomic() block.

    Attributes:
        steps: the steps in it.
        fails: whether an exception leaves it, which is caught outside it.
        goes_on: whether the exception leaves the block around it, too.
        place: "connection", "plain" (no argument) or the alias of a block of its own.
    """

    steps: tuple["Send | Block", ...]
    fails: bool = False
    goes_on: bool = False
    place: str = "connection"


PLACES = st.sampled_from(["connection", "connection", "plain", "a", "b"])


def blocks(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Block]:
    """Make blocks of these steps."""
    steps = st.lists(inner, max_size=4).map(tuple)
    return st.builds(Block, steps, st.booleans(), st.booleans(), PLACES)


SENDS = st.builds(Send, st.integers(0, 2))
PROGRAMS = st.lists(
    st.recursive(SENDS, lambda inner: blocks(st.one_of(SENDS, inner)), max_leaves=12), max_size=5
).map(tuple)


@dataclass
class Transaction:
    """A transaction of the model, or a savepoint in one."""

    place: str
    outer: "Transaction | None"
    sent: list[tuple[int, int]] = field(default_factory=list)


class Model:
    """The expected calls, in order, and the expected rows."""

    def __init__(self, program):
        self.calls: list[Any] = []
        self.rows: set[int] = set()
        self.number = 0
        self.stack: list[Transaction] = []
        try:
            self.run(program)
        except BoomError:
            raise AssertionError("nothing leaves the program") from None

    def run(self, steps):
        """Run steps."""
        for step in steps:
            if isinstance(step, Send):
                self.send(step)
            else:
                self.block(step)

    def send(self, step):
        """Add it to the innermost block, or run its receivers at once."""
        self.number += 1
        if not self.stack:
            self.commit([(self.number, step.key)])
        else:
            self.stack[-1].sent.append((self.number, step.key))
        # Without a transaction of the connection, the row is written at once.
        if not any(each.place == "connection" for each in self.stack):
            self.rows.add(self.number)
        else:
            self.written().append(self.number)

    def written(self):
        """Return the list of rows of the innermost block of the connection."""
        block = next(each for each in reversed(self.stack) if each.place == "connection")
        return block.__dict__.setdefault("written", [])

    def block(self, step):
        """Run a block."""
        place = step.place
        if place == "plain":
            place = self.stack[-1].place if self.stack else "plain"
        around = [each for each in self.stack if each.place == place]
        block = Transaction(place, around[-1] if around else None)
        self.stack.append(block)
        fails = step.fails
        try:
            self.run(step.steps)
        except BoomError:
            fails = True
        self.stack.pop()
        written = block.__dict__.get("written", [])
        if not fails:
            if block.outer is None:
                self.rows.update(written)
                self.commit(block.sent)
            else:
                block.outer.sent += block.sent
                block.outer.__dict__.setdefault("written", []).extend(written)
        elif step.goes_on and self.stack:
            raise BoomError

    def commit(self, sent):
        """Record the calls: each send for the first receiver, each key once for the second."""
        last = dict.fromkeys(key for _, key in sent)
        merged = {key: [n for n, k in sent if k == key] for key in last}
        for number, key in sent:
            self.calls.append(("each", number))
            if merged[key][0] == number:
                self.calls.append(("merged", merged[key]))


class Program:
    """The same with real blocks."""

    def __init__(self):
        self.signal = Signal(name="machine")
        self.calls: list[Any] = []
        self.number = 0
        self.depth = 0
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")

        def each(number, **kwargs):
            self.calls.append(("each", number))

        def merged(sends, **kwargs):
            self.calls.append(("merged", [sent["number"] for sent in sends]))

        # Held by the signal, and called in this order.
        self.signal.connect(each, delivery=on_commit)
        self.signal.connect(merged, delivery=on_commit(coalesce="key"))

    def rows(self):
        """Return the ids of the rows."""
        return {row[0] for row in self.connection.execute("SELECT id FROM t")}

    def write(self):
        """Write a row."""
        self.number += 1
        self.connection.execute("INSERT INTO t VALUES (?)", [self.number])

    def atomic(self, place):
        """Return the block of a place."""
        if place == "connection":
            return atomic(self.connection)
        return atomic() if place == "plain" else atomic(using=place)

    @contextmanager
    def caught(self, step):
        """Catch the exception of a block, unless it goes on."""
        self.depth += 1
        try:
            yield
        except BoomError:
            if step.goes_on and self.depth > 1:
                raise
        finally:
            self.depth -= 1

    def run(self, steps):
        """Run steps."""
        for step in steps:
            if isinstance(step, Send):
                self.write()
                self.signal.send(None, number=self.number, key=step.key)
                continue
            with self.caught(step), self.atomic(step.place):
                self.run(step.steps)
                if step.fails:
                    raise BoomError

    async def arun(self, steps):
        """Run steps that await; none is on the connection."""
        for step in steps:
            if isinstance(step, Send):
                self.number += 1
                await self.signal.asend(None, number=self.number, key=step.key)
                continue
            with self.caught(step):
                async with AsyncExitStack() as stack:
                    place = "a" if step.place == "connection" else step.place
                    await stack.enter_async_context(self.atomic(place))
                    await self.arun(step.steps)
                    if step.fails:
                        raise BoomError


def renamed(steps):
    """Return the steps, with another place for the blocks on the connection."""
    return tuple(
        step
        if isinstance(step, Send)
        else Block(
            renamed(step.steps),
            step.fails,
            step.goes_on,
            "a" if step.place == "connection" else step.place,
        )
        for step in steps
    )


SHORT = 200
COUNTS = pytest.mark.parametrize(
    "count",
    [pytest.param(SHORT, id="200"), pytest.param(10000, id="10000", marks=pytest.mark.slow)],
)


def tried(count, check):
    """Return settings for this many programs."""
    run = settings(
        max_examples=count,
        deadline=None,
        database=None,
        # The same examples each time, so that a failure is caused by the change; the slow run
        # looks for others.
        derandomize=count == SHORT,
        suppress_health_check=list(HealthCheck),
    )(given(PROGRAMS)(check))
    run()


@COUNTS
def test_blocks_match_the_model(count):
    """The program calls the same receivers in the same order as the model, and writes its rows."""

    def check(steps):
        model, program = Model(steps), Program()
        try:
            program.run(steps)
            assert program.calls == model.calls
            assert program.rows() == model.rows
            assert not program.connection.in_transaction
        finally:
            program.connection.close()

    tried(count, check)


@COUNTS
def test_async_blocks_match_the_model(count):
    """Blocks in one task, with asend, match the model."""

    def check(steps):
        model, program = Model(renamed(steps)), Program()
        program.connection.close()
        asyncio.run(program.arun(steps))
        assert program.calls == model.calls

    tried(count // 4, check)
