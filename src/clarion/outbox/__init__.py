"""The outbox: deliveries that are stored with the sender's own writes, and survive a crash.

In reading order; each module imports only from those above it:

1. `statements`: the SQL of each kind of database, from the files in `sql`.
2. `connection`, `database`, `pool`, `open`: connections on which the statements run, the protocol
   of a database that a worker empties, connections kept for reuse, and a database by its URL.
   `urls`: the parts of a URL.
   `per_loop`, `async_pool`: what is kept for an event loop, and async connections kept there.
   `turns`: the coroutines of a loop use sync connections one after the other. `receiver_boundary`:
   what a receiver sends is stored in its transaction. `locks`: whether the program's own
   transaction keeps others from writing to a file of SQLite.
3. `via`, `options`, `receivers`: the deliveries to an engine that `durable` accepts, the options of a
   stored delivery, and the stored receivers by name.
   `tables`: create the tables, and recognise their version. `adapters`: the sender's connection.
4. `delivery_row`, `stored`: the rows, as data, and the response of a receiver in the send.
   `publication`: the statements that store a send.
   `default`: the database for sends that are in no transaction. `notes`: the cures of errors.
5. `store`: publish, claim, settle, retry and bury deliveries; show, requeue and discard dead ones.
   `lapses`: the deliveries whose worker has vanished. `waits`: why deliveries wait. `async_store`: some of it on async connections. `keys`: the key by which deliveries are ordered.
   `wake`: wakes workers after a commit. `facts`: deliveries and counts as JSON. `ages`: the age of a
   send, as a person writes it. `inbox`: the calls that have had their effect.
6. `publish`: stores one send for its receivers.
7. `delivery`: `durable`, the option of `connect`.

Deliveries without a key are leased row by row. Each receiver with keys has a fixed number of
partitions, and a key belongs to one of them. A worker leases a partition, and makes its deliveries
in the order of their ids. A settlement names the attempt. With a key, it also names the epoch of
the lease. So a worker that has lost its lease changes nothing.

Never put here: the call of a receiver, a thread, a framework.
"""

from __future__ import annotations

from clarion.outbox.connection import AsyncConnection, Connection, WorkerConnection
from clarion.outbox.database import Database, ReceiverTransaction
from clarion.outbox.default import use_database
from clarion.outbox.delivery import BoundDurable, Durable, durable
from clarion.outbox.open import SqliteDatabase, open_database
from clarion.outbox.stored import Stored

__all__ = [
    "AsyncConnection",
    "BoundDurable",
    "Connection",
    "Database",
    "Durable",
    "ReceiverTransaction",
    "SqliteDatabase",
    "Stored",
    "WorkerConnection",
    "durable",
    "open_database",
    "use_database",
]
