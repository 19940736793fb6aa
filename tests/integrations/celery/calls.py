"""A receiver that notes its calls."""

from typing import Any

made: list[Any] = []


def mail(sender, attempt, **kwargs):
    """Note the call."""
    made.append((kwargs.get("order_id"), attempt))
