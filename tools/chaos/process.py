"""The program of a producer or a worker: python -m chaos.process ROLE URL [SKEW]."""

import logging
import random
import sys
import time
from contextlib import suppress
from typing import Any

from chaos import shop
from clarion.outbox import open_database
from clarion.worker import Worker

LEASE = 1.5  # seconds
ROLLED_BACK = 0.1


def produce(database: Any) -> None:
    """Send until the process is killed; connect again when the connection is lost."""
    while True:
        with suppress(OSError, *_errors(database.dialect)):
            connection = database.connect().connection
            if database.dialect == "sqlite":
                connection.isolation_level = "IMMEDIATE"
            elif database.dialect == "mysql":
                connection.autocommit(False)  # noqa: FBT003
            while True:
                with suppress(ZeroDivisionError):
                    shop.send(connection, rolled_back=random.random() < ROLLED_BACK)
                time.sleep(random.random() * 0.01)
        time.sleep(0.2)


def _errors(dialect: str) -> list[type[Exception]]:
    """Return what a lost connection, a deadlock or a busy file raises."""
    from clarion.errors import TransactionError

    if dialect == "sqlite":
        import sqlite3

        return [TransactionError, sqlite3.OperationalError]
    if dialect == "postgresql":
        import psycopg

        return [TransactionError, psycopg.Error]
    import pymysql  # type: ignore[import-untyped]

    return [TransactionError, pymysql.Error]


def work(database: Any) -> None:
    """Run a worker until the process is killed."""
    while True:
        with suppress(OSError, *_errors(database.dialect)):
            Worker(database, lease=LEASE, concurrency=6, batch=50, poll=0.2).run()
            return
        time.sleep(0.2)


def main(role: str, url: str, skew: str = "0") -> None:
    """Run one process, with a clock that is wrong by some seconds."""
    logging.getLogger("clarion").setLevel(logging.CRITICAL)
    offset, right = float(skew), time.time
    time.time = lambda: right() + offset
    shop.connect_all()
    {"producer": produce, "worker": work}[role](open_database(url))


if __name__ == "__main__":
    main(*sys.argv[1:])
