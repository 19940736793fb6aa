"""How long a delivery waits after a failure."""

from __future__ import annotations

from random import uniform
from typing import TYPE_CHECKING

from clarion.errors import Retry

if TYPE_CHECKING:
    from clarion.outbox.options import Options

LONGEST = 3600.0  # seconds


def delay_after(options: Options, failures: int, error: BaseException) -> int:
    """Return how long a delivery waits before its next attempt, in milliseconds.

    The wait is random, from zero to a limit, so that deliveries that failed together are not retried
    together ("full jitter"). The limit doubles with each failure, up to an hour.

    Args:
        options: the options of its delivery.
        failures: how many attempts have failed, the last one included.
        error: what the receiver raised. `Retry(after=...)` names the wait.
    """
    if isinstance(error, Retry) and error.after is not None:
        return max(0, int(error.after * 1000))
    if callable(options.backoff):
        return max(0, int(options.backoff(failures) * 1000))
    limit = min(LONGEST, options.backoff * 2.0 ** min(failures - 1, 40))
    return int(uniform(0.0, limit) * 1000)  # noqa: S311  # no secret
