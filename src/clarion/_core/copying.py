"""Copies and pickles of signals.

A copy, shallow or deep, has the same receivers and a table of its own. A pickle has the place
where a signal can be imported, because two processes share no receivers.
"""

from __future__ import annotations

import sys

from clarion._core import names, registry
from clarion._core.table import Table
from clarion._core.tabled import set_table, table_of
from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def copy_signal(signal: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return a signal of the same kind with the same receivers.

    Args:
        signal: the signal.
        memo: as for `__deepcopy__`; None for a shallow copy.
    """
    kind: Any = signal.__class__
    copied: Any = kind.__new__(kind)
    attributes: dict[str, Any] = dict(signal.__dict__)
    if memo is not None:
        from copy import deepcopy

        memo[id(signal)] = copied
        attributes = deepcopy(attributes, memo)
    copied.__dict__.update(attributes)
    table = table_of(signal)
    set_table(copied, Table(table.name, table.home, table.policy))
    copy_registrations(table, table_of(copied))
    registry.add(copied)
    return copied


def copy_registrations(table: Table, copied: Table) -> None:
    """Connect the receivers of a table to the table of a copy, too."""
    copied.on_listening = table.on_listening
    for old in table.registrations():
        receiver, sender = old.live(), old.sender
        is_gone = receiver is None or (sender is None and old.sender_key is not None)
        if is_gone or old.is_spent or old.scope is not None:
            continue
        new = old.copy(receiver, old.sender_key, copied.finalizer)  # type: ignore[arg-type]
        copied.add(new, sender)


def reduce_signal(signal: Any) -> tuple[Any, ...]:
    """Return how a pickle finds a signal: by the module and the attribute that hold it.

    Raises:
        ArgumentError: if no importable module holds it.
    """
    for name in _names(signal):
        parts = (name or "").split(".")
        for length in range(len(parts) - 1, 0, -1):
            module, path = ".".join(parts[:length]), ".".join(parts[length:])
            if module in sys.modules and _resolve(module, path) is signal:
                return _load, (module, path)
    raise ArgumentError(
        f"Signal {names.signal_name(signal)} cannot be pickled, because no module holds it by name. "
        f"Assign it to a variable of a module, or leave it out of the pickle.",
        ["signal"],
    )


def _names(signal: Any) -> Iterator[str | None]:
    table = table_of(signal)
    yield table.name
    yield names.find_name(signal, table.home)
    # A class gives its name to Clarion's signals only.
    home = sys.modules.get(table.home or "")
    for kind in list(vars(home).values()) if home is not None else ():
        if isinstance(kind, type):
            held = (name for name, value in list(vars(kind).items()) if value is signal)
            yield from (f"{names.dotted(kind)}.{name}" for name in held)


def _resolve(module: str, path: str) -> object:
    found: object = sys.modules[module]
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _load(module: str, path: str) -> object:
    """Import a signal, for `pickle`."""
    __import__(module)
    return _resolve(module, path)
