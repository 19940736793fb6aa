"""Events of requests, for the tests of both middlewares."""

from typing import Any

import pytest

from clarion.signals import got_request_exception, request_finished, request_started

SIGNALS: dict[str, Any] = {
    "started": request_started,
    "failed": got_request_exception,
    "finished": request_finished,
}


@pytest.fixture
def log():
    """Return a list of events; the three request signals are added to it."""
    events: list[str] = []
    for name, signal in SIGNALS.items():
        signal.connect(lambda sender, name=name, **kwargs: events.append(name))
    return events
