"""Receivers after the commit of a session: `on_commit` for SQLAlchemy.

Read `provider` (which session a send belongs to), `boundary` (the transactions of a session),
`outcomes` (what becomes of a COMMIT), `transactions` and `savepoints` (the calls that wait for
one). Then read `snapshots` and `sessions` (what receivers are given), and `outer_savepoints`
(tests). No signal is sent from here.
"""
