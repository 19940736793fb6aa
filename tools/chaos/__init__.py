"""Chaos: producers and workers that are killed, and an oracle that counts what went wrong.

    python -m chaos sqlite --seconds 60

In reading order; each module imports only from those above it:

1. `places`: a database of its own for a run, of each kind.
2. `shop`: the signal, its durable receivers, and the tables of their effects.
3. `process`: the program of a producer or a worker, which runs in a process of its own.
4. `oracle`: compares the effects with the sends.
5. `monkey`: kills, stops and disturbs.
6. `__main__`: the command.
"""
