"""Databases whose connections are changed after they are opened, and connections that are ended."""

from contextlib import closing, suppress
from copy import copy


def altered(database, alter):
    """Return a database like another one, each of whose connections is passed to a function."""

    class Altered(type(database)):  # type: ignore[misc]  # the class of each database
        def connect(self):
            connection = super().connect()
            alter(connection)
            return connection

    made = copy(database)
    made.__class__ = Altered
    return made


def execute(connection, statement):
    """Execute a statement on a connection of the outbox."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    found = cursor.fetchall() if cursor.description else []
    cursor.close()
    return found


READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET default_transaction_read_only = on",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
}


def id_of(connection):
    """Return the number of a connection on its server."""
    query = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    return execute(connection, query[connection.dialect])[0][0]


def end(database, number):
    """End a connection from its server."""
    with closing(database.connect()) as connection:
        kill = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
        with suppress(Exception):
            execute(connection, kill[connection.dialect].format(int(number)))


class Ended:
    """Ends a connection of a worker once, around its first statement of a name.

    Args:
        database: the database.
        statement: the name of the statement.
        after: whether the statement is executed before, so that only the COMMIT fails.
    """

    def __init__(self, database, statement, *, after):
        self.database = database
        self.statement = statement
        self.after = after
        self.is_done = False

    def __call__(self, connection):
        """Let a connection end at the statement."""
        run = {"rows": connection.rows, "change": connection.change}

        def ending(kind):
            def execute(name, **parameters):
                if name != self.statement or self.is_done:
                    return run[kind](name, **parameters)
                self.is_done = True
                number = id_of(connection)
                if not self.after:
                    end(self.database, number)
                    return run[kind](name, **parameters)
                found = run[kind](name, **parameters)
                end(self.database, number)
                return found

            return execute

        connection.rows, connection.change = ending("rows"), ending("change")
