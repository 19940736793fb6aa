"""The receivers of the tests of task engines; they record their calls in `calls`."""

from typing import Any

from clarion.errors import Reject, Retry

calls: list[Any] = []


def mail(sender, attempt, **kwargs):
    """Record the attempt."""
    calls.append(attempt)


async def amail(sender, attempt, **kwargs):
    """Record the attempt."""
    calls.append(attempt)


def fail(sender, attempt, **kwargs):
    """Record the attempt, and fail."""
    calls.append(attempt)
    raise LookupError("failed")


def reject(sender, attempt, **kwargs):
    """Record the attempt, and reject the call."""
    calls.append(attempt)
    raise Reject("no address")


def retry_once(sender, attempt, **kwargs):
    """Record the attempt; the first one raises `Retry`."""
    calls.append(attempt)
    if attempt == 1:
        raise Retry(after=0)


async def mail_order(sender, order_id, **kwargs):
    """Record the order, as an async receiver."""
    calls.append((order_id, "async"))


def attempts(order_id):
    """Return the recorded attempts of an order."""
    return [attempt for each, attempt, *_ in calls if each == order_id]
