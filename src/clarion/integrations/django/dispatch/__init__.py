"""Django's `Signal`, dispatched by Clarion.

Read `install`: it puts `methods` into Django's class. If a method is wrapped, `redirect` puts ours
below the wrapper. `receivers` and its `entries` are Django's list. Each signal has a `table`, and
each table has a `policy`. `copying` copies a signal. `senders` warns of senders that no send has,
with `class_senders` for the signals of no model; `unusable` warns of receivers whose code no send would run.
Modules named first import those named later. No model is defined here, and no
database is used.
"""
