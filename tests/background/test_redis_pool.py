"""How long a client of Redis may wait."""

from math import inf

import pytest
from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from clarion.background.redis_pool import longest_wait

ONCE = Retry(NoBackoff(), 0)


def test_both_timeouts_are_added():
    """The longest wait is the time to connect plus the time of the command."""
    client = Redis(socket_timeout=2, socket_connect_timeout=1, retry=ONCE)
    assert longest_wait(client.connection_pool) == 3


def test_one_timeout_counts_for_both():
    """A client with one timeout uses it to connect and for the command."""
    pool = ConnectionPool(retry=ONCE, socket_timeout=2, socket_connect_timeout=None)
    assert longest_wait(pool) == 4


def test_a_client_without_a_timeout_has_no_limit():
    """The wait of a client without a timeout has no limit."""
    pool = ConnectionPool(retry=ONCE, socket_timeout=None, socket_connect_timeout=1)
    assert longest_wait(pool) == inf


def test_a_client_that_tries_again_has_no_limit():
    """The wait of a client that retries, as redis-py's default does, has no limit."""
    assert longest_wait(Redis(socket_timeout=1).connection_pool) == inf


@pytest.mark.parametrize("url", ["redis://127.0.0.1", "rediss://127.0.0.1", "unix:///tmp/redis"])
def test_every_kind_of_connection_is_asked(url):
    """The longest wait is known for every kind of connection, without opening one."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 1, "retry": ONCE}
    assert longest_wait(BlockingConnectionPool.from_url(url, **options)) == 3
