"""How long a delivery waits after a failure."""

from clarion.errors import Retry
from clarion.outbox.options import options_of
from clarion.worker.backoff import LONGEST, delay_after

ERROR = ValueError()


def waits(failures, **options):
    """Return the waits of many deliveries, in milliseconds."""
    return [delay_after(options_of(**options), failures, ERROR) for _ in range(2000)]


def test_the_limit_doubles_and_the_wait_is_random():
    """The wait is random, up to a limit that doubles ("full jitter")."""
    first, third = waits(1, backoff=1.0), waits(3, backoff=1.0)
    assert 0 <= min(first) < 100
    assert 900 < max(first) <= 1000
    assert 0 <= min(third) < 400
    assert 3600 < max(third) <= 4000


def test_no_wait_is_longer_than_an_hour():
    """No wait is longer than an hour, after any number of failures."""
    assert max(waits(2000, backoff=1.0)) <= LONGEST * 1000
    assert max(waits(1, backoff=1e6)) <= LONGEST * 1000


def test_a_function_decides():
    """A function gets the number of failures, and returns the wait."""
    assert waits(3, backoff=lambda failures: failures * 10)[0] == 30_000
    assert waits(1, backoff=lambda failures: -1)[0] == 0


def test_a_receiver_may_name_the_wait():
    """`Retry(after=...)` names the wait; without `after` it is the usual one."""
    options = options_of(backoff=0.0)
    assert delay_after(options, 1, Retry(after=1.5)) == 1500
    assert delay_after(options, 1, Retry()) == 0
