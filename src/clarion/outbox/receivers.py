"""The receivers of this program that another process finds by their stable names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import WeakSet, ref

from clarion._core.fork import new_lock
from clarion._core.names import described, signal_name
from clarion._core.tabled import table_of
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.outbox.options import Options
    from clarion.typing import Receiver


class NamedOptions(Protocol):
    """The options that each delivery to another process has."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """The former names of the receiver."""
        ...

    @property
    def missing(self) -> str:
        """What happens if a row that the send names was deleted."""
        ...

    @property
    def effects(self) -> str | None:
        """The option: "same database" if the receiver writes only there, otherwise None."""
        ...


class NamedReceiver:
    """A receiver of one signal that another process finds by its stable name.

    It keeps neither the receiver nor the signal alive, because its registration holds it.

    Args:
        name: the stable name of the receiver.
        receiver: the receiver.
        signal: the signal.
        options: the options of its delivery.

    Attributes:
        name: the stable name.
        options: the options.
        shown: the receiver as messages show it.
        is_called_by_name: True, because a worker finds the receiver by its name. So a send must
            not disconnect it.
    """

    is_called_by_name = True

    def __init__(
        self, name: str, receiver: Receiver, signal: Signal, options: NamedOptions
    ) -> None:
        self.name = name
        self.options = options
        self.shown = described(receiver)
        self._code: Any = getattr(receiver, "__qualname__", None)
        self._signal = ref(signal)

    @property
    def names(self) -> tuple[str, ...]:
        """The stable name and its aliases, by which rows may name the receiver."""
        return (self.name, *self.options.aliases)

    @property
    def signal(self) -> Signal | None:
        """The signal; None once it is freed."""
        return self._signal()

    @property
    def signal_name(self) -> str:
        """The name of the signal, as rows have it; empty once the signal is freed."""
        signal = self._signal()
        return "" if signal is None else signal_name(signal)

    def registration(self) -> Registration | None:
        """Return the registration; None once the receiver is disconnected or freed."""
        signal = self._signal()
        registrations = [] if signal is None else table_of(signal).registrations()
        found = (each for each in registrations if cast("object", each.delivery) is self)
        registration = next(found, None)
        return None if registration is None or registration.live() is None else registration

    def is_same_code(self, other: NamedReceiver) -> bool:
        """Return whether both may be the same function, connected twice or loaded again."""
        return self._code is not None and self._code == other._code


class StoredReceiver(NamedReceiver):
    """A receiver of one signal whose deliveries are stored: see `NamedReceiver`."""

    options: Options


# Weak, because a registration holds its entry, and drops it with the receiver.
_known: WeakSet[NamedReceiver] = WeakSet()
_lock = new_lock()


def add_receiver(added: NamedReceiver) -> None:
    """Make a receiver known to the workers of this process.

    Raises:
        ArgumentError: if another receiver of the same signal has the name.
    """
    for each in named_receivers():
        taken = set(each.names) & set(added.names)
        is_other = each.signal is added.signal and not each.is_same_code(added)
        if taken and is_other and each.registration() is not None:
            raise ArgumentError(
                f"Receivers {each.shown} and {added.shown} have the same stored name. Give one of "
                f"them another name=.",
                ["name"],
            )
    with _lock:
        _known.add(added)


def named_receivers() -> list[NamedReceiver]:
    """Return the receivers of this process that another process finds by their name."""
    with _lock:
        return list(_known)


def stored_receivers() -> list[StoredReceiver]:
    """Return the receivers of this process whose deliveries are stored."""
    return [each for each in named_receivers() if isinstance(each, StoredReceiver)]


def connected_receivers() -> dict[str, list[StoredReceiver]]:
    """Return the connected receivers, by each of their names and aliases."""
    found: dict[str, list[StoredReceiver]] = {}
    for each in stored_receivers():
        if each.registration() is not None:
            for name in each.names:
                found.setdefault(name, []).append(each)
    return found


def find_receiver(name: str, signal: str) -> NamedReceiver | None:
    """Return the connected receiver of a row or a call, or None.

    Args:
        name: the name of the receiver.
        signal: the name of the signal.
    """
    for each in named_receivers():
        is_found = name in each.names and each.signal_name == signal
        if is_found and each.registration() is not None:
            return each
    return None
