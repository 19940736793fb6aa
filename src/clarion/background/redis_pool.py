"""Find out how long a client of redis-py may wait.

The engines bring their own client of Redis. So this module does not import redis-py.
"""

from __future__ import annotations

from math import inf
from typing import Any


def longest_wait(pool: Any) -> float:
    """Return how long one command may wait for a server that does not answer, in seconds.

    redis-py repeats a command that has timed out. From 8.0 on, it does so 10 times by default, each
    time after a longer pause: with a timeout of one second, it gives up after fifteen seconds. So
    a client that tries again counts as one without a limit.

    Args:
        pool: the connection pool of the client.
    """
    # The connection has the defaults of the installed release. It connects at its first command.
    connection = pool.connection_class(**pool.connection_kwargs)
    retry: Any = getattr(connection, "retry", None)
    if retry is not None and getattr(retry, "get_retries", lambda: 1)() != 0:
        return inf
    timeout = connection.socket_timeout
    timeouts = (getattr(connection, "socket_connect_timeout", timeout), timeout)
    return sum(timeouts) if all(timeouts) else inf
