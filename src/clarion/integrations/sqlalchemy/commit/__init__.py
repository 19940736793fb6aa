"""Receivers after the commit of a session: `on_commit` for SQLAlchemy.

Read `provider` (which session a send belongs to), `boundary` (the transactions of a session) and
`bound` (a session in the context). Then `outcomes` (whether a COMMIT was made), `transactions` and
`savepoints` (the calls that wait for their end). Then read `snapshots` and `sessions` (the
instances and sessions that receivers get), `outer_savepoints` (for tests), and `write_connections`
(where a durable send is stored). `unknown_writes` notes statements that make copies wrong, and
`uncommitted` finds objects for a warning. This package sends no signal.
"""
