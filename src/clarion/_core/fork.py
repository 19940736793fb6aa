"""Locks and other resources after a fork, in the child.

A child has only the thread that forked. A lock that another thread held stays locked there, and
what that thread was changing is half done. So every lock comes from `new_lock`, except those of
tables, which are freed and repaired here. Other code gives a function to `call_in_child`.
"""

from __future__ import annotations

import os
from weakref import WeakSet

from clarion._core.locks import Lock, acquire
from clarion._core.registry import signals
from clarion._core.tabled import repair, table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock
    from collections.abc import Callable
    from typing import Any

_locks: WeakSet[Any] = WeakSet()
_repairs: list[Callable[[], None]] = []


def new_lock() -> RLock:
    """Return a reentrant lock that is free in the child of a fork."""
    lock = Lock()
    _locks.add(lock)
    return lock


def free(lock: Any) -> bool:
    """Free a lock if another thread holds it; return whether one did."""
    if acquire(lock, 0):
        lock.release()
        return False
    lock._at_fork_reinit()  # noqa: SLF001  # as threading and logging do
    return True


def call_in_child(function: Callable[[], None]) -> None:
    """Call a function in the child after each fork, when the locks are free."""
    _repairs.append(function)


def repair_child() -> None:
    """Free the locks, and call the functions given to `call_in_child`."""
    for lock in list(_locks):
        free(lock)
    for signal in signals():
        table = table_of(signal)
        if free(table.lock):
            repair(table)
    for function in _repairs:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=repair_child)
