"""connection_created: one send for each connection that a pool opens."""

import sqlite3

from sqlalchemy import create_engine, text

from clarion import receiver
from clarion.integrations.sqlalchemy import connection_created


def test_connections_are_sent():
    """Existing engines send connection_created, and a receiver may use the connection."""
    engine = create_engine("sqlite://")

    @receiver(connection_created, sender=sqlite3.Connection)
    def pragma(sender, connection, **kwargs):
        connection.execute("PRAGMA user_version = 7")

    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA user_version")) == 7
    engine.dispose()
