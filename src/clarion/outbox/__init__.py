"""The outbox: deliveries that are stored with the sender's own writes, and survive a crash.

In reading order; each module imports only from those above it:

1. `statements`: the SQL of each kind of database, from the files in `sql`.
2. `connection`, `open`, `database`: connections on which the statements run, one to a file of
   SQLite, and the protocol of a database that a worker empties.
3. `tables`: create the tables, and recognise their version. `options`, `receivers`: the options of
   a stored delivery, and the stored receivers of this program by name.
4. `delivery_row`: the rows, as data.
5. `store`: publish, claim, settle, retry and bury deliveries; show, requeue and discard dead ones.

Deliveries without a key are leased row by row. Each receiver with keys has a fixed number of
partitions, and a key belongs to one of them. A worker leases a partition, and makes its deliveries
in the order of their ids. A settlement names the attempt. With a key, it also names the epoch of
the lease. So a worker that has lost its lease changes nothing.

Never put here: the call of a receiver, a thread, a framework.
"""
