"""Watch the sends and deliveries of a running program from outside: ``clarion tail``.

    from clarion.tail import serve_tail

    serve_tail("/run/shop/signals")

A reader gets the names of signals, senders, keywords and receivers, with durations and outcomes. It
never gets a value. While no reader is connected, a send costs nothing more.

In reading order; each module imports only from those above it:

1. `events`: what a reader gets, as dictionaries of names.
2. `reader`: the events that wait for one reader. `pending`: calls that wait for a commit.
3. `recorder`: the instrument that makes the events.
4. `places`: the folder, and the socket of each process in it.
5. `server`, `client`: the two ends of a connection.

Never put here: a value of the program, or code that waits for a reader in the thread of a send.
"""

from __future__ import annotations

from clarion.tail.client import read_tail
from clarion.tail.server import TailServer, serve_tail

__all__ = ["TailServer", "read_tail", "serve_tail"]
