"""An outbox in PostgreSQL, through psycopg alone."""

import asyncio
import threading
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from clarion import Signal, durable
from clarion.envelope import seal
from clarion.errors import ArgumentError
from clarion.integrations.psycopg import PsycopgDatabase
from clarion.outbox import open_database, store
from clarion.outbox.delivery_row import Target
from clarion.outbox.tables import create_tables
from clarion.testing import restored
from clarion.worker import notifications
from tests.pooler import pooler
from tests.services import POSTGRES
from tests.worker.stage import PLACES, Stage, until, worker

paid = Signal(name="psycopg.paid")

pytestmark = pytest.mark.service


def test_a_url_opens_it():
    """A URL, as SQLAlchemy writes it too, opens the database; its name has no password."""
    url = POSTGRES.url().replace("postgresql://", "postgresql+psycopg://")
    database: Any = open_database(url)
    with psycopg.connect(POSTGRES.url()) as admin:
        name = admin.info.dbname
    assert database.name == f"PostgreSQL's database '{name}'"
    assert (database.dialect, database.provides) == ("postgresql", ("connection",))
    connection = database.connect()
    assert connection.rows("now")
    assert connection.connection.autocommit
    connection.close()


@pytest.mark.parametrize(
    "form",
    [
        "postgresql:///{name}?host={host}&port={port}&user={user}",
        "postgres://{user}@{host}:{port},{host}:{port}/{name}?target_session_attrs=read-write",
        "postgresql+asyncpg://{user}@{host}:{port}/{name}?ssl=prefer",
        "postgresql+psycopg_async://{user}@{host}:{port}/{name}?connect_timeout=5",
        "host={host} port={port} user={user} dbname={name}",
    ],
)
def test_a_url_has_each_form_of_libpq(form):
    """No host, several hosts, options, and asyncpg's name of an option reach the server."""
    parts = urlsplit(POSTGRES.url())
    with psycopg.connect(POSTGRES.url()) as admin:
        name, user = admin.info.dbname, admin.info.user
    url = form.format(host=parts.hostname, port=parts.port or 5432, user=user, name=name)
    database = PsycopgDatabase(url)
    assert database.name == f"PostgreSQL's database '{name}'"
    with closing(database.connect()) as connection:
        assert connection.connection.info.dbname == name


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:hunter2%zz@h/d", "write @ as %40"),
        ("postgresql://u:a@b:hunter2@h/d", "write @ as %40"),
        ("postgresql://u:a@hunter2@h/d", "write @ as %40"),
        ("postgresql://u:a@b,hunter2@h/d", "write @ as %40"),
        ("postgresql://u:hunter2%FF@h/d", "write @ as %40"),
        ("postgresql://u:hunter2@h/d?colour=red", "has the option 'colour'"),
    ],
)
def test_a_url_that_libpq_cannot_read_is_refused(url, reason):
    """The refusal comes before the first connection, and repeats no part of a password."""
    with pytest.raises(ArgumentError, match=reason) as caught:
        PsycopgDatabase(url)
    assert "hunter2" not in str(caught.value)


def test_a_socket_may_have_a_name_in_memory():
    """The name begins with @ then, and is no part of a password."""
    assert PsycopgDatabase("postgresql:///d?host=@shop").name == "PostgreSQL's database 'd'"


def test_the_name_is_decoded():
    """An escaped name is shown as it is, and a missing one is that of libpq."""
    assert PsycopgDatabase("postgresql://h/my%2Dshop").name == "PostgreSQL's database 'my-shop'"
    assert PsycopgDatabase("postgresql://h").name == "PostgreSQL's default database"


def test_a_password_is_not_shown():
    """Neither the name nor the repr shows a password."""
    database: Any = open_database("postgresql://shop:secret@db.example/shop")
    assert "secret" not in repr(database) + database.name


def test_a_sync_receiver_has_a_transaction(tmp_path):
    """A sync receiver's transaction is committed at the end of the block, or rolled back if it raises."""
    database: Any = open_database(POSTGRES.url())
    with database.transaction() as transaction:
        assert transaction.provided["connection"].info.transaction_status.name == "INTRANS"
        assert transaction.connection.rows("now")
    with pytest.raises(LookupError), database.transaction():
        raise LookupError
    database.close_idle()


def test_an_async_receiver_has_an_async_connection():
    """An async receiver has an async connection, so that it does not block the event loop."""
    database: Any = open_database(POSTGRES.url())

    async def use():
        async with database.atransaction() as transaction:
            connection = transaction.provided["connection"]
            assert type(connection) is psycopg.AsyncConnection
            assert await transaction.connection.rows("now")
            return connection

    assert asyncio.run(use()).closed


def test_tables_are_created_in_a_schema_of_the_url():
    """Tables are created on the search path of the URL, because options of libpq are passed on."""
    database: Any = open_database(f"{POSTGRES.url()}?options=-csearch_path%3Dpg_temp")
    connection = database.connect()
    with connection.transaction():
        create_tables(connection)
        found = connection.connection.execute("SELECT to_regclass('pg_temp.clarion_event')")
        assert found.fetchone() != (None,)
    connection.close()


def test_a_commit_of_another_process_wakes_a_worker(tmp_path):
    """A commit of another process wakes a worker if the tables were created with notify=True."""
    with PLACES["postgresql"](tmp_path) as url:
        stage: Any = Stage(url)
        sender = stage.database.connect()
        with sender.transaction():
            create_tables(sender, notify=True)
            create_tables(sender, notify=True)
        woken = threading.Semaphore(0)
        with stage.database.listening(woken.release):
            for n in range(3000):
                with sender.transaction():
                    store.publish(sender, seal(paid, {"sender": None, "n": n}), [Target("mail")])
                if woken.acquire(timeout=0.01):  # it listens by now
                    break
            else:
                pytest.fail("no notification has come")
        sender.close()


def test_without_notifications_it_does_not_listen(tmp_path):
    """Without notifications the thread that listens ends at once."""
    with PLACES["postgresql"](tmp_path) as url:
        stage: Any = Stage(url)
        with stage.database.listening(lambda: None):
            for thread in [t for t in threading.enumerate() if t.name == "clarion-listen"]:
                thread.join(30)
                assert not thread.is_alive()


def test_async_receivers_of_one_loop_use_their_connections_in_turn():
    """A loop keeps its connections for the next calls, and closes them before it ends."""
    database: Any = open_database(POSTGRES.url())
    used = []

    async def call():
        async with database.atransaction() as transaction:
            used.append(transaction.provided["connection"])

    async def main():
        for _ in range(3):
            await call()
        assert not used[-1].closed

    asyncio.run(main())
    asyncio.run(main())
    assert len(set(used[:3])) == len(set(used[3:])) == 1
    assert len(set(used)) == 2
    assert all(each.closed for each in used)


def test_a_worker_opens_few_connections_for_async_receivers(tmp_path):
    """It opens at most as many as it calls receivers at the same time."""
    signal = Signal(name="psycopg.many")
    numbers = []

    async def receive(sender, n, connection, **kwargs):
        numbers.append(connection.info.backend_pid)

    with PLACES["postgresql"](tmp_path) as url, restored():
        signal.connect(receive, delivery=durable(name="receive", effects="same database"))
        stage: Any = Stage(url)
        stage.send(signal, [{"n": n} for n in range(60)])
        assert worker(stage, concurrency=2).drain()["made"] == 60
        assert len(set(numbers)) <= 2 * 2  # each job awaits as many as there may be jobs
        stage.database.close_idle()


@pytest.mark.parametrize("threshold", [None, 5])
def test_behind_a_pooler_nothing_is_prepared(threshold):
    """Another client may have prepared another statement by the same name; a program may know better."""
    with pooler(POSTGRES.url()) as url:
        options = {} if threshold is None else {"prepare_threshold": threshold}
        database = PsycopgDatabase(url, **options)
        with closing(database.connect()) as connection:
            assert connection.rows("now")
            assert connection.connection.prepare_threshold == threshold

        async def threshold_of_async():
            async with database.atransaction() as transaction:
                return transaction.provided["connection"].prepare_threshold

        assert asyncio.run(threshold_of_async()) == threshold
        database.close_idle()
    with closing(PsycopgDatabase(POSTGRES.url()).connect()) as connection:
        assert connection.connection.prepare_threshold == 5


def test_a_pooler_that_passes_on_no_notifications_is_said(tmp_path, monkeypatch, caplog):
    """The worker says so, makes deliveries at its intervals, and ends without a long wait."""
    monkeypatch.setattr(notifications, "ANSWER_SECONDS", 0.2)
    caplog.set_level("INFO", "clarion.worker")
    seen = []
    with PLACES["postgresql"](tmp_path) as direct, pooler(direct) as url, restored():
        stage: Any = Stage(url)
        with closing(stage.database.connect()) as connection, connection.transaction():
            create_tables(connection, notify=True)
        paid.connect(lambda n, **kw: seen.append(n), weak=False, delivery=durable(name="mail"))
        with worker(stage, poll=0.05):
            until(lambda: "A pooler passes on no notifications of" in caplog.text)
            stage.send(paid, [{"n": 1}])
            until(lambda: seen == [1])
        stage.database.close_idle()
