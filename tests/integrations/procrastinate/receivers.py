"""A receiver of the tests, which notes its calls."""

from typing import Any

made: list[Any] = []


def mail(sender, order_id, **kwargs):
    """Note the call."""
    made.append(order_id)


NAME = "tests.integrations.procrastinate.receivers:mail"
JOB = (NAME, None, "todo")
