"""Connect receivers to every model signal of SQLAlchemy, for any class.

SQLAlchemy's suite removes all listeners of its own events after some tests. So the listeners that
Clarion has attached are recorded, and attached again before the next test.
"""

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event

SIGNALS = (
    "pre_init",
    "post_init",
    "pre_save",
    "post_save",
    "pre_delete",
    "post_delete",
    "m2m_changed",
    "post_bulk_insert",
    "post_bulk_update",
    "post_bulk_delete",
    "class_prepared",
    "connection_created",
)
WITH_CHANGES = ("pre_save", "post_save")

sends: Counter[str] = Counter()
_receivers: list[Any] = []
_listeners: list[tuple[tuple[Any, ...], dict[str, Any]]] = []


def connect() -> None:
    """Connect a receiver to each signal, and another that requests `changes` to the saves."""
    original = event.listen

    def listen(*args: Any, **options: Any) -> None:
        _listeners.append((args, options))
        original(*args, **options)

    event.listen = listen
    try:
        _connect()
    finally:
        event.listen = original


def _connect() -> None:
    from clarion.integrations import sqlalchemy

    def receiver_of(name: str) -> Any:
        def receive(**_: Any) -> None:
            sends[name] += 1

        return receive

    def compare(changes: Any, **_: Any) -> None:
        dict(changes)

    for name in SIGNALS:
        signal = getattr(sqlalchemy, name)
        _receivers.append(receiver_of(name))
        signal.connect(_receivers[-1])
        if name in WITH_CHANGES:
            signal.connect(compare)
    _receivers.append(compare)


def is_active() -> bool:
    """Return whether Clarion's listeners are attached."""
    return bool(_listeners) and all(event.contains(*args) for args, _ in _listeners)


class Attach:
    """A plugin that attaches the listeners before each test."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Attach the listeners that the previous test has removed."""
        for args, options in _listeners:
            if not event.contains(*args):
                event.listen(*args, **options)
