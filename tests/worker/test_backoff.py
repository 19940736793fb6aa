"""How long a delivery waits after a failure."""

from datetime import timedelta

import pytest

from clarion import durable
from clarion.errors import Retry
from clarion.outbox.options import LONGEST_DELAY, options_of
from clarion.worker.backoff import LONGEST, delay_after
from tests.worker.stage import worker

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
    assert waits(2, backoff=lambda failures: timedelta(seconds=failures))[0] == 2000


def test_a_receiver_may_name_the_wait():
    """`Retry(after=...)` names the wait; without `after` it is the usual one."""
    options = options_of(backoff=0.0)
    assert delay_after(options, 1, Retry(after=1.5)) == 1500
    assert delay_after(options, 1, Retry(after=timedelta(minutes=5))) == 300_000
    assert delay_after(options, 1, Retry()) == 0


@pytest.mark.parametrize("after", [float("nan"), "soon", b"3"])
def test_a_wait_that_is_no_number_is_the_usual_one(after):
    """The delivery is retried all the same, and its error says why it waits so long."""
    for options, error in (
        (options_of(backoff=0.0), Retry(after=after)),
        (options_of(backoff=lambda _: after), ValueError()),
    ):
        assert 0 <= delay_after(options, 1, error) <= 1000
        (note,) = error.__notes__
        assert note.endswith("gave no number of seconds. The wait is the usual one.")


def test_a_function_that_fails_does_not_stop_the_worker():
    """Its error is noted on that of the receiver."""
    error = ValueError()
    assert 0 <= delay_after(options_of(backoff=lambda n: n // 0), 1, error) <= 1000
    assert error.__notes__ == [
        "The backoff function raised ZeroDivisionError. The wait is the usual one."
    ]


@pytest.mark.parametrize("after", [1e12, float("inf"), 10**400])
def test_no_named_wait_is_longer_than_a_year(after):
    """Such a time could not be shown, nor stored."""
    assert delay_after(options_of(), 1, Retry(after=after)) == LONGEST_DELAY * 1000


def test_a_delivery_whose_function_fails_is_retried(stage, paid):
    """The worker continues with the others."""
    seen = []

    @paid.connect(delivery=durable(name="fails", backoff=lambda n: n // 0, retries=1))
    def receive(sender, n, **kwargs):
        if n == 0:
            raise ValueError
        seen.append(n)

    stage.send(paid, [{"n": n} for n in range(3)])
    counts = worker(stage).drain()
    assert (counts["made"], counts["retried"]) == (2, 1)
    assert sorted(seen) == [1, 2]
