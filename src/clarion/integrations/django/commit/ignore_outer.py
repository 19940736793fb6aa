"""Ignore the transaction that a test runs in, for `clarion.testing.commits`.

`TestCase` and pytest-django's `db` wrap a test in atomic blocks that are rolled back, so no
hook of `on_commit` would run. Here Django runs the hooks when the outermost block inside those
ends without an error, the hooks of `transaction.on_commit` too.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.transaction import Atomic, get_connection

from clarion._core.names import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# As Django's own.
logger = logging.getLogger("django.db.backends.base")

# An attribute of a connection: the number of atomic blocks and of hooks outside the test's own.
_OUTER = "clarion_outer"

_lock = RLock()
_originals: list[Callable[..., None]] = []


def is_inside(connection: Any) -> bool:
    """Return whether an atomic block is open that is not ignored."""
    depth, _ = connection.__dict__.get(_OUTER, (0, 0))
    return len(connection.atomic_blocks) > depth


@contextmanager
def ignore_outer() -> Generator[None]:
    """Ignore the atomic blocks that are open now in this thread."""
    outer = {connection: connection.__dict__.get(_OUTER) for connection in connections.all()}
    for connection in outer:
        counts = len(connection.atomic_blocks), len(connection.run_on_commit)
        connection.__dict__[_OUTER] = counts
    _hook()
    try:
        yield
    finally:
        _unhook()
        for connection, before in outer.items():
            if before is None:
                connection.__dict__.pop(_OUTER, None)
            else:
                connection.__dict__[_OUTER] = before


def _hook() -> None:
    with _lock:
        original = Atomic.__exit__
        if not _originals:
            Atomic.__exit__ = _running_hooks(original)
        _originals.append(original)


def _unhook() -> None:
    with _lock:
        original = _originals.pop()
        if not _originals:
            Atomic.__exit__ = original


def _running_hooks(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def leave(self: Atomic, kind: Any, *error: Any) -> None:
        original(self, kind, *error)
        connection = get_connection(self.using)
        counts = connection.__dict__.get(_OUTER)
        if kind is None and counts is not None and len(connection.atomic_blocks) == counts[0]:
            _run_hooks(connection, counts[1])

    return leave


def _run_hooks(connection: Any, start: int) -> None:
    # One at a time: a hook may begin and end a transaction, which runs the hooks it registered.
    while len(connection.run_on_commit) > start:
        _, hook, is_robust = connection.run_on_commit.pop(start)
        if not is_robust:
            hook()
            continue
        try:
            hook()
        except Exception:
            logger.exception("Error calling %s in on_commit() during a test", name_of(hook))
