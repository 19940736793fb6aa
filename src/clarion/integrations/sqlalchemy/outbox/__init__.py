"""Durable deliveries of SQLAlchemy's sessions: what is stored, and the database of a worker.

In reading order; each module imports only from those above it:

1. `enumerations`: the enumerations of columns. `columns`: the values of columns as JSON.
2. `mapped`: mapped classes and association tables by their names.
3. `references`: instances as references, with their values where they are wanted.
4. `stored`: how the model signals are stored.
5. `engines`, `connections`: a worker's own connections. `loop_engines`: those of async receivers.
   `notifications`: PostgreSQL wakes a worker. `deferred`: whether the program's transactions begin deferred.
6. `database`: the database of a worker. `own_session`: that of a bound session, in tests; `locks`:
   whether its open transaction blocks other connections.

`tables` has the tables of the outbox for Alembic. The connection on which a send is stored is chosen in `commit.write_connections`.
"""

from __future__ import annotations
