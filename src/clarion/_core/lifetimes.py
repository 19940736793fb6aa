"""What happens in a table when a receiver or a sender dies.

These functions run at any moment, also in a garbage collection while the lock is held. They
have a weak reference to the table, because the table or its registrations hold them.
"""

from __future__ import annotations

from weakref import ref

from clarion._core.locks import acquire
from clarion._core.registration import is_referable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from clarion._core.methods import ReceiverRef
    from clarion._core.table import Table


def finalizer(table_ref: Callable[[], Table | None]) -> Callable[[ReceiverRef], None]:
    """Return the callback of the weak references to receivers."""
    # A variable of the module would be None when a receiver dies at the exit of the interpreter.
    try_acquire = acquire

    def finalize(died: ReceiverRef) -> None:
        if (table := table_ref()) is not None:
            table.dead.append(died)
            if died.sender_key is None or table.subclass_registrations:
                # Another thread may still use a route with it; dead receivers are skipped.
                if try_acquire(table.lock, 0):
                    try:
                        table.drop_routes()
                    finally:
                        table.lock.release()
            elif (bucket := table.buckets.get(died.sender_key)) is not None:
                bucket.route = None

    return finalize


def remember(table: Table, sender: object, key: Hashable) -> Callable[[], object]:
    """Return a function that returns the sender, or None if it has died."""
    # Receivers do not keep their sender alive. One that cannot be weakly referenced is held,
    # because another object could get its id.
    if type(key) is tuple or not is_referable(sender):
        return lambda: sender
    table_ref = ref(table)

    def close(_: object) -> None:
        if (table := table_ref()) is not None:
            table.close_bucket(key)

    return ref(sender, close)
