"""How long a client of Redis may wait."""

from math import inf

import pytest
from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from clarion.background.redis_pool import longest_wait

ONCE = Retry(NoBackoff(), 0)


def test_both_timeouts_are_added():
    """A connection is made first, and then the command is sent."""
    client = Redis(socket_timeout=2, socket_connect_timeout=1, retry=ONCE)
    assert longest_wait(client.connection_pool) == 3


def test_one_timeout_counts_for_both():
    """redis-py connects with the timeout of a command, unless it gets another."""
    pool = ConnectionPool(retry=ONCE, socket_timeout=2, socket_connect_timeout=None)
    assert longest_wait(pool) == 4


def test_a_client_without_a_timeout_has_no_limit():
    """It waits for an answer without an end."""
    pool = ConnectionPool(retry=ONCE, socket_timeout=None, socket_connect_timeout=1)
    assert longest_wait(pool) == inf


def test_a_client_that_tries_again_has_no_limit():
    """The default client of redis-py does."""
    assert longest_wait(Redis(socket_timeout=1).connection_pool) == inf


@pytest.mark.parametrize("url", ["redis://127.0.0.1", "rediss://127.0.0.1", "unix:///tmp/redis"])
def test_every_kind_of_connection_is_asked(url):
    """None is opened."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 1, "retry": ONCE}
    assert longest_wait(BlockingConnectionPool.from_url(url, **options)) == 3
