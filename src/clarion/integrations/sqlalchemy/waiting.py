"""Warn of receivers that wait for a class which no module maps.

Text may name a class that is mapped later, and any class may be mapped later. So they are checked
when the program first writes: SQLAlchemy, too, resolves the text of relationships by then.
"""

from __future__ import annotations

import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from clarion._core.callers import warn_caller
from clarion._core.names import described, dotted, place_of, quoted_name, signal_name
from clarion._core.tabled import table_of
from clarion.errors import SenderWarning
from clarion.integrations.sqlalchemy.senders import (
    is_unmapped,
    is_unmapped_base,
    mappers,
    resolve,
)

if TYPE_CHECKING:
    from clarion._core.registration import Registration

# The signals that have receivers to judge, and the registrations that were judged.
_signals: WeakSet[Any] = WeakSet()
_judged: set[int] = set()


def watch(signal: Any) -> None:
    """Judge the receivers of a signal at the next write."""
    _signals.add(signal)


def warn_of_waiting() -> None:
    """Warn once of each receiver whose sender no write has."""
    if not _signals:
        return
    for signal in list(_signals):
        _signals.discard(signal)
        for registration in table_of(signal).registrations():
            if registration.order not in _judged and (found := fault_of(registration)):
                _warn(signal, registration, *found)


def fault_of(registration: Registration) -> tuple[str, str] | None:
    """Return why no write has the sender of a receiver, and the cure; None if one may have it."""
    sender = registration.sender
    if isinstance(sender, str):
        return f"{quoted_name(sender)}, and no mapped class has this name", _cure_of(sender)
    if not registration.subclasses and isinstance(sender, type) and is_unmapped_base(sender):
        fault = f"{dotted(sender)}, which has no table, but subclasses with tables"
        return fault, "Connect it with subclasses=True, or to one of them."
    return None


def warn_of_mapped(receiver: Any, sender: object) -> None:
    """Warn of a receiver that waits for a class to be mapped, and the class is mapped already.

    Args:
        receiver: the receiver.
        sender: the class, or its name.
    """
    found = resolve(sender)
    if isinstance(found, type) and not is_unmapped(found):
        warn_caller(
            f"Receiver {described(receiver)} is connected to {dotted(found)}, which is mapped already. Connect it "
            f"before, by the name of the class, or with subclasses=True for the subclasses to come.",
            SenderWarning,
        )


def _warn(signal: Any, registration: Registration, fault: str, cure: str) -> None:
    _judged.add(registration.order)
    receiver = registration.live()
    file, line = place_of(receiver) or (__file__, 1)
    warnings.warn_explicit(
        f"Receiver {described(receiver)} of signal {signal_name(signal)} is connected to {fault}. {cure}",
        SenderWarning,
        file,
        line,
    )


def _cure_of(text: str) -> str:
    names = {mapper.class_.__name__ for mapper in mappers()}
    close = get_close_matches(text.rpartition(":")[2], names, n=1)
    if close:
        return f"Did you mean {quoted_name(close[0])}?"
    return "Import the module that maps it before the first write, or give the class."
