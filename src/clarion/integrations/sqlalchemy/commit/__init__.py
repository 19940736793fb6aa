"""Receivers after the commit of a session: `on_commit` for SQLAlchemy.

Read `provider` (which session a send belongs to), `boundary` (the transactions of a session),
`outcomes` (whether a COMMIT was made), `transactions` and `savepoints` (the calls that wait for
their end). Then read `snapshots` and `sessions` (the instances and sessions that receivers get),
and `outer_savepoints` (for tests). This package sends no signal.
"""
