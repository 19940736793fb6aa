"""Django's `Signal`, dispatched by Clarion.

Read `install`: it puts `methods` into Django's class, below wrappers with the help of
`redirect`. `receivers` and its `entries` are Django's list. Each signal has a `table`, and the
table a `policy`. `copying` copies a signal. `senders` warns of senders that nothing sends by, through `callers`. Imports go from
the first to the last. No model is defined here, and no database is used.
"""
