"""An integration that uses public names of Clarion only, for peewee."""

import ast
import asyncio
import re
import threading
from pathlib import Path

import pytest
from peewee import IntegerField, Model, SqliteDatabase

from clarion import on_commit
from clarion.commit import register_provider
from clarion.errors import RunningLoopError
from clarion.introspect import explain
from tests.commit import peewee_integration
from tests.commit.conftest import counts
from tests.commit.failing import BoomError
from tests.house.tree import ROOT

pytestmark = pytest.mark.usefixtures("_plain_python")

PAGE = ROOT / "docs/how-to/write-an-integration.md"


@pytest.fixture
def provider():
    """Return a registered provider without databases."""
    provider = peewee_integration.PeeweeProvider()
    register_provider(provider)
    return provider


@pytest.fixture
def database(provider):
    """Return a database in memory that the provider finds."""
    database = SqliteDatabase(":memory:")
    provider.add_database(database)
    yield database
    database.close()


@pytest.fixture
def order_class(database):
    """Return a model."""

    class Order(Model):
        n = IntegerField()

        class Meta:
            database = None

    Order.bind(database)
    Order.create_table()
    return Order


def fail():
    raise BoomError("boom")


def test_commit_runs_the_receiver(database, order_class, signal, calls):
    """A receiver runs after the commit, when the row can be read."""
    signal.connect(lambda **kwargs: calls.append(order_class.select().count()), delivery=on_commit)
    with database.atomic():
        signal.send(order_class, n=1, instance=order_class.create(n=1))
        assert calls == []
    assert calls == [1, 1]


def test_rollback_drops_the_call(database, signal, calls):
    """A rollback drops the call, also if the block calls rollback() itself."""
    with pytest.raises(BoomError), database.atomic():
        ((_, scheduled),) = signal.send(None, n=1)
        fail()
    assert scheduled.status == "dropped"
    with database.atomic() as transaction:
        signal.send(None, n=2)
        transaction.rollback()
        signal.send(None, n=3)
        transaction.commit()
        assert calls == [3]
        signal.send(None, n=4)
    assert calls == [3, 4]
    assert counts(signal) == {"scheduled": 4, "ran": 2, "dropped": 2}


def test_savepoint_drops_its_calls_only(database, signal, calls):
    """A rollback drops a savepoint's calls, nested ones too; a released one waits."""
    with database.atomic():
        signal.send(None, n=1)
        with database.atomic() as savepoint:
            signal.send(None, n=2)
            savepoint.rollback()
            signal.send(None, n=3)
        with pytest.raises(BoomError), database.atomic():
            with database.atomic():
                signal.send(None, n=4)
            fail()
        with database.atomic():
            signal.send(None, n=5)
        assert calls == []
    assert calls == [1, 3, 5]


def test_coalesced_calls_are_merged(database, signal, calls):
    """Calls with the same key run once per commit."""
    calls.clear()
    calls.listen(signal, delivery=on_commit(coalesce="key"), name="merged")
    with database.atomic():
        signal.send(None, n=1, key="a")
        signal.send(None, n=2, key="a")
    assert calls == [1, ("merged", 2), 2]


def test_receiver_may_begin_a_transaction(database, signal, calls):
    """A receiver may begin a transaction, and its sends wait for that one."""

    def again(n, **kwargs):
        with database.atomic():
            if n == 1:
                signal.send(None, n=2)
            calls.append("in the block")

    signal.connect(again, delivery=on_commit)
    with database.atomic():
        signal.send(None, n=1)
    assert calls == [1, "in the block", 2, "in the block"]


def test_another_thread_is_outside(database, signal, calls):
    """Another thread has a connection of its own, without a transaction."""
    with database.atomic():
        thread = threading.Thread(target=signal.send, args=(None,), kwargs={"n": 1})
        thread.start()
        thread.join()
        assert calls == [1]


def test_rule_finds_the_database(database, order_class, provider, signal, calls):
    """The database is found by instance, sender or alias, and the reason names which."""
    other = SqliteDatabase(":memory:")
    provider.add_database(other, "other")
    with database.atomic():
        reasons = [
            explain(signal, sender, **named).heard[0].when
            for sender, named in [
                (None, {"instance": order_class(n=1)}),
                (order_class, {}),
                (None, {"using": "other"}),
                (None, {}),
            ]
        ]
    assert [reason.partition(": ")[::2] for reason in reasons] == [
        ("after the commit of the peewee database 'default'", "the database of its instance"),
        ("after the commit of the peewee database 'default'", "the database of its sender"),
        (
            "at once, because no transaction is open on the peewee database 'other'",
            "it was sent using='other'",
        ),
        (
            "after the commit of the peewee database 'default'",
            "it is the default database of peewee",
        ),
    ]


def test_async_receiver(database, signal, calls):
    """An async receiver is awaited after the commit; inside an event loop it is refused."""
    calls.listen_async(signal, name="async")
    with database.atomic():
        signal.send(None, n=1)
    assert calls == [1, ("async", 1)]

    async def main():
        with database.atomic(), pytest.raises(RunningLoopError, match="the peewee database"):
            await signal.asend(None, n=2)

    asyncio.run(main())


def test_integration_uses_public_names_only():
    """The integration imports public modules, and reads no private attribute of Clarion."""
    tree = ast.parse(Path(peewee_integration.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    assert not [name for name in named if "._" in name]
    own = {"_local", "_make_savepoint", "_savepoint", "_waiting", "_boundaries"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    private = {name for name in attributes if name.startswith("_") and name != "__file__"}
    assert private - own == {"_meta"}  # peewee's, and documented


def test_page_shows_this_integration():
    """The how-to page shows the classes as they are tested here."""
    source = Path(peewee_integration.__file__).read_text()
    page = PAGE.read_text()
    for name in ("WaitingCalls", "PeeweeBoundary", "PeeweeProvider"):
        match = re.search(rf"^class {name}\b.*?(?=\n```)", page, re.MULTILINE | re.DOTALL)
        assert match
        assert match[0] in source
