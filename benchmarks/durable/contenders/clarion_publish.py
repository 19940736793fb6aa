"""Clarion's sends in a Session and in Django, and the transaction that all are compared with."""

from __future__ import annotations

import json
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import INSERT, UnsupportedError, begin, connect
from benchmarks.durable.contenders.clarion_worker import ClarionWorker, signal_for
from benchmarks.durable.contenders.django_settings import set_up
from clarion.envelope import seal
from clarion.envelope.uid import new_uid
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.delivery_row import Target
from clarion.outbox.publication import publication
from clarion.outbox.statements import pyformat, statements

if TYPE_CHECKING:
    from collections.abc import Callable


class BareTransaction(ClarionWorker):
    """A transaction of the driver alone, which inserts one row."""

    name = "the driver alone"
    drains = False

    def publisher(self, count: int) -> Callable[[int], object]:
        """Insert the row."""
        if count:
            raise UnsupportedError
        connection = connect(self.url)
        start = begin(self.url)

        def publish(number: int) -> None:
            connection.execute(start)
            connection.execute(INSERT)
            connection.execute("COMMIT")

        return publish


class OutboxByHand(BareTransaction):
    """The same transaction, with one more INSERT into a small table: the least that an outbox can do.

    There is one row for each receiver. No code reads the rows.
    """

    name = "an outbox written by hand"

    def publisher(self, count: int) -> Callable[[int], object]:
        """Insert the row, and the rows of the outbox."""
        if not count:
            return super().publisher(0)
        connection = connect(self.url)
        is_sqlite = self.dialect == "sqlite"
        number = "INTEGER" if is_sqlite else "bigint GENERATED ALWAYS AS IDENTITY"
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS bench_outbox (id {number} PRIMARY KEY, receiver text, payload text)"
        )
        mark = "?" if is_sqlite else "%s"
        rows = ", ".join([f"({mark}, {mark})"] * count)
        insert = f"INSERT INTO bench_outbox (receiver, payload) VALUES {rows}"  # noqa: S608
        start = begin(self.url)

        def publish(number: int) -> None:
            connection.execute(start)
            connection.execute(INSERT)
            payload = json.dumps({"sender": "bench", "order_id": number})
            connection.execute(insert, [each for n in range(count) for each in (f"r{n}", payload)])
            connection.execute("COMMIT")

        return publish


class StatementByHand(BareTransaction):
    """The same transaction, with Clarion's own statements and tables, and no other code of Clarion.

    Everything but the uid is prepared, so it shows what the database and the driver take of a send.
    """

    name = "Clarion's statement by hand"

    def publisher(self, count: int) -> Callable[[int], object]:
        """Insert the row, and the event with its deliveries."""
        if not count:
            return super().publisher(0)
        connection = connect(self.url)
        texts = statements(self.dialect) if self.dialect == "sqlite" else pyformat(self.dialect)
        envelope = seal(signal_for(0), {"sender": "bench", "order_id": 1})
        targets = [Target(f"bench{number}") for number in range(count)]
        written = publication(DbapiConnection(connection, self.dialect), envelope, targets)
        start = begin(self.url)

        def publish(number: int) -> None:
            connection.execute(start)
            connection.execute(INSERT)
            uid = {"uid": new_uid().hex}
            for name, rows in written:
                if len(rows) == 1:
                    connection.execute(texts[name], rows[0] | uid)
                else:
                    connection.cursor().executemany(texts[name], [each | uid for each in rows])
            connection.execute("COMMIT")

        return publish


class ClarionSession(ClarionWorker):
    """Sends in a Session of SQLAlchemy."""

    name = "Clarion, Session"
    distribution = "sqlalchemy"
    drains = False

    @classmethod
    def title(cls) -> str:
        """Return the name with SQLAlchemy's version."""
        return super().title().replace("Session", "Session of SQLAlchemy")

    def publisher(self, count: int) -> Callable[[int], object]:
        """Send in a new Session for each transaction."""
        sqlalchemy, orm = import_module("sqlalchemy"), import_module("sqlalchemy.orm")
        url = self.url.replace("postgresql:", "postgresql+psycopg:")
        engine = sqlalchemy.create_engine(url)
        if self.dialect == "sqlite":
            sqlalchemy.event.listen(engine, "connect", _set_synchronous)
        insert = sqlalchemy.text(INSERT)
        if not count:
            return partial(_bare_session, orm.Session, engine, insert)
        signal = signal_for(count)

        def publish(number: int) -> None:
            with orm.Session(engine) as session:
                session.execute(insert)
                signal.send("bench", session=session, order_id=number)
                session.commit()

        return publish


def _set_synchronous(connection: Any, record: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")  # as the others


def _bare_session(opened: Any, engine: Any, insert: Any, number: int) -> None:
    with opened(engine) as session:
        session.execute(insert)
        session.commit()


class ClarionDjango(ClarionWorker):
    """Sends in a transaction of Django."""

    name = "Clarion, Django"
    distribution = "django"
    drains = False

    def prepare(self) -> None:
        """Set Django up."""
        set_up(self.url)
        super().prepare()

    def publisher(self, count: int) -> Callable[[int], object]:
        """Send in `transaction.atomic()`."""
        database: Any = import_module("django.db")
        signal = signal_for(count) if count else None

        def publish(number: int) -> None:
            with database.transaction.atomic():
                with database.connection.cursor() as cursor:
                    cursor.execute(INSERT)
                if signal is not None:
                    signal.send("bench", order_id=number)

        return publish
