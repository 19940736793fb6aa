"""The receivers of request signals: each request gets a name and is counted."""

from collections import Counter
from typing import Any
from uuid import uuid4

from clarion import receiver
from clarion.integrations.asgi import (
    got_request_exception,
    request_finished,
    request_started,
)
from clarion.signals import Request, Scope

# The numbers of requests that have started, finished and failed in this process.
seen: Counter[str] = Counter()


@receiver(request_started)
async def name_request(sender: object, scope: Scope | None, **kwargs: Any) -> None:
    """Take the client's name of a request, or make one, for the audit trail."""
    if scope is not None:
        given = dict(scope["headers"]).get(b"x-request-id")
        name = given.decode("latin-1") if given else uuid4().hex
        scope.setdefault("state", {})["request"] = name


# `inline`, because another thread would cost more than the counting.


@receiver(request_started, inline=True)
def count_started(sender: object, **kwargs: Any) -> None:
    """Count a request when it starts."""
    seen["started"] += 1


@receiver(request_finished, inline=True)
def count_finished(sender: object, **kwargs: Any) -> None:
    """Count a request when it finishes."""
    seen["finished"] += 1


@receiver(got_request_exception, inline=True)
def count_failed(sender: None, request: Request, **kwargs: Any) -> None:
    """Count a request with an unhandled exception."""
    seen["failed"] += 1
