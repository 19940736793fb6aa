"""Django's `Signal`, dispatched by Clarion.

Read `install`: it puts `methods` into Django's class, below wrappers with the help of
`redirect`. `receivers` and its `entries` are Django's list. Each signal has a `table`, and the
table a `policy`. Imports go from the first to the last. Models and databases never go in here.
"""
