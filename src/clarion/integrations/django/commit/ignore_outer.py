"""Ignore the transaction that a test runs in, for `clarion.testing.commits`.

`TestCase` and pytest-django's `db` wrap a test in atomic blocks that are rolled back, so no
hook of `on_commit` would run. Here the hooks run when the outermost block inside the test's
blocks ends without an error. This includes the hooks of `transaction.on_commit`.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.transaction import Atomic, get_connection

from clarion._core.fork import new_lock
from clarion.integrations.django.commit.autocommit import OUTER, autocommit, is_inside, run_hook
from clarion.integrations.django.commit.callbacks import Callback

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_lock = new_lock()
_originals: list[tuple[Any, Any]] = []


@contextmanager
def ignore_outer() -> Generator[None]:
    """Ignore the atomic blocks that are open now in this thread."""
    _hook()
    try:
        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(_ignore_blocks_of(connection))
            yield
    finally:
        _unhook()


@contextmanager
def _ignore_blocks_of(connection: Any) -> Generator[None]:
    before = connection.__dict__.get(OUTER)
    counts = len(connection.atomic_blocks), len(connection.run_on_commit)
    connection.__dict__[OUTER] = counts
    try:
        with ExitStack() as stack:
            if before is None and connection.atomic_blocks:
                stack.enter_context(autocommit(connection))
            yield
    finally:
        if before is None:
            del connection.__dict__[OUTER]
        else:
            connection.__dict__[OUTER] = before


def _hook() -> None:
    with _lock:
        originals: tuple[Any, Any] = Atomic.__enter__, Atomic.__exit__
        if not _originals:
            Atomic.__enter__ = _setting_savepoints(originals[0])
            Atomic.__exit__ = _running_hooks(originals[1])
        _originals.append(originals)


def _unhook() -> None:
    with _lock:
        originals = _originals.pop()
        if not _originals:
            Atomic.__enter__, Atomic.__exit__ = originals


def _setting_savepoints(original: Callable[..., None]) -> Callable[..., None]:
    """Turn the outermost block that is not ignored into a savepoint, so that it can be rolled back."""

    @wraps(original)
    def enter(self: Any) -> None:
        connection = get_connection(self.using)
        if OUTER not in connection.__dict__ or is_inside(connection):
            original(self)
            return
        if connection.in_atomic_block:
            connection.needs_rollback = False  # set by a statement outside a block
        # `self` may be a decorator, which several threads enter, so it is not changed. Django reads
        # `savepoint` and `durable` only here.
        block = Atomic(self.using, savepoint=True, durable=False)
        original(block)
        connection.atomic_blocks[-1] = self

    return enter


def _running_hooks(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def leave(self: Atomic, kind: Any, *error: Any) -> None:
        original(self, kind, *error)
        connection = get_connection(self.using)
        counts = connection.__dict__.get(OUTER)
        if kind is None and counts is not None and len(connection.atomic_blocks) == counts[0]:
            _run_hooks(connection, counts[1])

    return leave


def _run_hooks(connection: Any, start: int) -> None:
    # Removed from the list first: a hook may begin and end a transaction, which runs its own hooks.
    hooks = connection.run_on_commit[start:]
    del connection.run_on_commit[start:]
    while hooks:
        _, hook, is_robust = hooks.pop(0)
        try:
            run_hook(hook, is_robust=is_robust)
        except BaseException:
            for _, left, _ in hooks:
                if isinstance(left, Callback):
                    left.abandon()
            raise
