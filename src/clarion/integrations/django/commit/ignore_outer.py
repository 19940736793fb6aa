"""A test's own transaction counts as absent: Django runs hooks at the end of those inside it.

For `clarion.testing.commits`. `TestCase` and pytest-django's `db` wrap a test in atomic blocks
that are rolled back, so no hook of `on_commit` would ever run. Here they do when the outermost
block inside those ends well, those of `transaction.on_commit` included.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.transaction import Atomic, get_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# As Django's own.
logger = logging.getLogger("django.db.backends.base")

# On a connection: how many atomic blocks were open, and how many hooks waited, around the test.
_AROUND = "clarion_around"

_lock = RLock()
_entered: list[Callable[..., None]] = []


def is_inside(connection: Any) -> bool:
    """Tell whether of the atomic blocks that are open one does not count as absent."""
    depth, _ = connection.__dict__.get(_AROUND, (0, 0))
    return len(connection.atomic_blocks) > depth


@contextmanager
def ignore_outer() -> Generator[None]:
    """Count the atomic blocks that are open now in this thread as absent."""
    around = {connection: connection.__dict__.get(_AROUND) for connection in connections.all()}
    for connection in around:
        marks = len(connection.atomic_blocks), len(connection.run_on_commit)
        connection.__dict__[_AROUND] = marks
    _hook()
    try:
        yield
    finally:
        _unhook()
        for connection, before in around.items():
            if before is None:
                connection.__dict__.pop(_AROUND, None)
            else:
                connection.__dict__[_AROUND] = before


def _hook() -> None:
    with _lock:
        original = Atomic.__exit__
        if not _entered:
            Atomic.__exit__ = _running_hooks(original)
        _entered.append(original)


def _unhook() -> None:
    with _lock:
        original = _entered.pop()
        if not _entered:
            Atomic.__exit__ = original


def _running_hooks(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def leave(self: Atomic, kind: Any, *error: Any) -> None:
        original(self, kind, *error)
        connection = get_connection(self.using)
        marks = connection.__dict__.get(_AROUND)
        if kind is None and marks is not None and len(connection.atomic_blocks) == marks[0]:
            _run_hooks(connection, marks[1])

    return leave


def _run_hooks(connection: Any, waiting: int) -> None:
    # A hook may begin and end a transaction, and so run those that it has registered.
    while len(connection.run_on_commit) > waiting:
        _, hook, is_robust = connection.run_on_commit.pop(waiting)
        if not is_robust:
            hook()
            continue
        try:
            hook()
        except Exception:
            logger.exception("Error calling %s in on_commit() during a test", hook)
