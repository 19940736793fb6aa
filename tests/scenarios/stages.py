"""The stages of the scenarios: every boundary, on real databases, with the same methods.

A scenario is written once, as coroutines. On a sync stage they never suspend, so `drive` runs
them without an event loop.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from clarion import Signal
from clarion.commit import atomic

paid = Signal(name="paid")

# A child without a parent makes the COMMIT fail.
SCHEMA = (
    "CREATE TABLE played (n INTEGER)",
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    "CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
)
EMPTY = "DELETE FROM played"
WRITE = "INSERT INTO played VALUES ({})"
BREAK = "INSERT INTO child VALUES (1)"
READ = "SELECT n FROM played ORDER BY n"


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@dataclass(frozen=True)
class Send:
    """One send. Its receiver plays `then`, and may fail after that.

    Attributes:
        n: its number.
        key: the key by which it is coalesced.
        then: the steps of the receiver.
        fails: whether the receiver raises.
    """

    n: int
    key: str = "k"
    then: tuple[Any, ...] = ()
    fails: bool = False


@dataclass(frozen=True)
class Block:
    """A transaction, or inside one a savepoint.

    Attributes:
        steps: the steps in it.
        ends: "well", "raises", or, for a transaction, "commit fails".
    """

    steps: tuple[Any, ...] = ()
    ends: str = "well"


class Sync:
    """A sync context manager for `async with`."""

    def __init__(self, manager):
        self.manager = manager

    async def __aenter__(self):
        return self.manager.__enter__()

    async def __aexit__(self, *error):
        return self.manager.__exit__(*error)


@dataclass
class Stage:
    """A boundary without a database; the others derive from it.

    Attributes:
        depth: how many blocks are open.
    """

    errors: tuple[type[Exception], ...] = (Undo,)
    depth: int = 0
    has_rows = False
    is_async = False

    def run(self, coroutine):
        """Run a coroutine on this stage."""
        return drive(coroutine)

    def block(self):
        """Return a block: a transaction, or inside one a savepoint."""
        return Sync(atomic())

    async def send(self, n, key):
        """Send in the open block."""
        paid.send(None, n=n, key=key)

    async def write(self, n):
        """Write a row."""

    async def break_commit(self):
        """Make the COMMIT fail."""
        raise Undo

    async def rows(self):
        """Return the rows."""
        return []

    @contextmanager
    def again(self):
        """Give a receiver a stage of its own."""
        yield self


@dataclass
class ConnectionStage(Stage):
    """`atomic(connection)` on a connection of a DB-API driver."""

    connection: Any = None
    has_rows = True

    def block(self):
        """Return a block on the connection."""
        return Sync(atomic(self.connection))

    async def write(self, n):
        """Execute."""
        self.connection.execute(WRITE.format(n))

    async def break_commit(self):
        """Insert a row that refers to a missing one."""
        self.connection.execute(BREAK)

    async def rows(self):
        """Read."""
        found = [n for (n,) in self.connection.execute(READ).fetchall()]
        self.connection.rollback()
        return found


@dataclass
class SessionStage(Stage):
    """A session of SQLAlchemy."""

    engine: Any = None
    session: Any = None
    opened: list[Any] = field(default_factory=list)
    has_rows = True

    def block(self):
        """Begin, or open a savepoint."""
        is_open = self.session.in_transaction()
        block = self.session.begin_nested() if is_open else self.session.begin()
        return block if self.is_async else Sync(block)

    async def send(self, n, key):
        """Send with the session."""
        paid.send(None, n=n, key=key, session=self.session)

    async def execute(self, statement):
        """Execute a statement in the session."""
        from sqlalchemy import text

        executed = self.session.execute(text(statement))
        return await executed if self.is_async else executed

    async def write(self, n):
        """Execute."""
        await self.execute(WRITE.format(n))

    async def break_commit(self):
        """Insert a row that refers to a missing one."""
        await self.execute(BREAK)

    async def rows(self):
        """Read."""
        found = list((await self.execute(READ)).scalars())
        rolled_back = self.session.rollback()
        if self.is_async:
            await rolled_back
        return found

    @contextmanager
    def again(self):
        """Give a receiver another session."""
        made = type(self.session)(self.engine)
        self.opened.append(made)
        yield type(self)(self.errors, engine=self.engine, session=made, opened=self.opened)


@dataclass
class AsyncSessionStage(SessionStage):
    """An async session of SQLAlchemy."""

    is_async = True
    runner: Any = None

    def run(self, coroutine):
        """Run it on the event loop of the engine."""
        return self.runner.run(coroutine)

    async def send(self, n, key):
        """Send with the session, with `send` and `asend` in turn."""
        if n % 2 or not self.session.in_transaction():
            await paid.asend(None, n=n, key=key, session=self.session)
        else:
            paid.send(None, n=n, key=key, session=self.session)


@dataclass
class DjangoStage(Stage):
    """A database of Django."""

    alias: str = "default"
    has_rows = True

    def block(self):
        """Begin, or open a savepoint."""
        from django.db import transaction

        return Sync(transaction.atomic(using=self.alias))

    async def send(self, n, key):
        """Send with the alias."""
        paid.send(None, n=n, key=key, using=self.alias)

    async def write(self, n):
        """Make an object."""
        from tests.integrations.django.library.models import Shelf

        Shelf.objects.using(self.alias).create(name=str(n))

    async def break_commit(self):
        """Insert a row that refers to a missing one."""
        from tests.integrations.django.library.models import Copy

        Copy.objects.using(self.alias).create(code="broken", shelf_id=-1)

    async def rows(self):
        """Read."""
        from tests.integrations.django.library.models import Shelf

        names = Shelf.objects.using(self.alias).values_list("name", flat=True)
        return sorted(int(name) for name in names)


@dataclass
class PeeweeStage(Stage):
    """A database of peewee: an integration that uses public names only."""

    alias: str = ""
    database: Any = None
    has_rows = True

    def block(self):
        """Begin, or open a savepoint."""
        return Sync(self.database.atomic())

    async def send(self, n, key):
        """Send with the alias."""
        paid.send(None, n=n, key=key, using=self.alias)

    async def write(self, n):
        """Execute."""
        self.database.execute_sql(WRITE.format(n))

    async def break_commit(self):
        """Insert a row that refers to a missing one."""
        self.database.execute_sql(BREAK)

    async def rows(self):
        """Read."""
        return [n for (n,) in self.database.execute_sql(READ).fetchall()]


class Player:
    """Plays a scenario on a stage, and logs the receivers that run.

    Attributes:
        log: the number of each send whose receiver ran. The coalescing receiver adds "k: 1 2",
            with its key and the numbers of the merged sends.
    """

    def __init__(self, stage):
        self.stage = stage
        self.log = []
        self.sends = {}

    def connect(self, on_commit):
        """Connect a receiver of each send, and one that coalesces sends by key."""

        def heard(sender, n, **kwargs):
            drive(self._receive(n))

        async def awaited(sender, n, **kwargs):
            await self._receive(n)

        def index(sender, key, sends, **kwargs):
            numbers = " ".join(str(each["n"]) for each in sends)
            self.log.append(f"{key}: {numbers}")

        heard = awaited if self.stage.is_async else heard
        paid.connect(heard, delivery=on_commit, priority=1)
        paid.connect(index, delivery=on_commit(coalesce="key"))
        return heard, index

    async def _receive(self, n):
        self.log.append(n)
        send = self.sends[n]
        with self.stage.again() as stage:
            await self.play(send.then, stage)
        if send.fails:
            raise ValueError("on purpose")

    async def play(self, steps, stage):
        """Play steps."""
        for step in steps:
            if isinstance(step, Send):
                self.sends[step.n] = step
                if stage.depth:
                    await stage.write(step.n)
                await stage.send(step.n, step.key)
            else:
                await self._play_block(step, stage)

    async def _play_block(self, block, stage):
        try:
            async with stage.block():
                stage.depth += 1
                try:
                    await self.play(block.steps, stage)
                    if block.ends == "raises":
                        raise Undo
                    if block.ends == "commit fails":
                        await stage.break_commit()
                finally:
                    stage.depth -= 1
        except stage.errors:
            assert block.ends != "well"


def drive(coroutine):
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it has suspended")
