"""The outbox: deliveries that are stored with the sender's own writes, and survive a crash.

In reading order; a module imports from those above it only:

1. `statements`: the SQL of each kind of database, from the files in `sql`.
2. `connection`, `open`: where the statements run; a file of SQLite.
3. `tables`: create the tables, and recognise their version.
4. `delivery_row`: the rows, as data.
5. `store`: publish, claim, settle, retry, bury, and what a person does with dead deliveries.

Deliveries without a key are leased row by row. Those with a key belong to one of a fixed number
of partitions of their receiver. A worker leases a partition, and makes its deliveries in the
order of their ids. A settlement names the attempt, and for keys the epoch of the lease, so that a
worker which has lost its lease changes nothing.

Never put here: a receiver's call, a thread, a framework.
"""
