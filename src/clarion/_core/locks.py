"""Locks that an interrupt cannot leave locked.

A signal handler may raise after each call of a function written in C. After `lock.acquire()`, that is
before the `try` of the caller begins. From CPython 3.14 on, `with lock` has the same gap. The lock would
stay locked, and other threads would wait forever. Unpacking calls such a function, too, and runs no
handlers. Both functions use no globals, which are gone when the interpreter ends.
"""

from __future__ import annotations

import sys
from _thread import RLock

if sys.version_info >= (3, 14):

    class Lock(RLock):
        """A reentrant lock whose `with` begins as soon as it is locked."""

        __slots__ = ()

        def __enter__(self) -> bool:
            (is_locked,) = map(self.acquire, (True,))
            return is_locked

else:
    Lock = RLock


def acquire(lock: RLock, seconds: float = -1) -> bool:
    """Lock a lock, and return whether it is locked now. Begin a `try` right after the call.

    Args:
        lock: the lock.
        seconds: how long to wait for it; by default without a limit.
    """
    # No variable of this module is read, because a finalizer calls this at the exit, too.
    (is_locked,) = map(lock.acquire, (True,), (seconds,))
    return is_locked
