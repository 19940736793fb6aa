"""How each kind of connection begins and ends a transaction, for `atomic()`.

`choose.driver_for` is the one place that recognises a connection. It imports no driver: it
looks at the attributes of the connection.

In reading order: `outcome` is the outcome of a COMMIT. `base` has what `atomic()` calls, and the
checks. `dbapi` ends transactions by statements; `sqlite` and `mysql` differ in details. `native`
uses the blocks of a driver; `psycopg` and `asyncpg` differ in details. `sqlalchemy_core` is a
Connection of SQLAlchemy, and `core_savepoints` finds the savepoints of user code on it. Each
module defines the sync class first and its async twin after it. Never put here: a boundary, a
pending call, or an import of a driver.
"""
