"""The receivers of this program that another process finds by their stable names."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from weakref import WeakSet, ref

from clarion._core.fork import new_lock
from clarion._core.names import described
from clarion._core.registration import receiver_key
from clarion._core.tabled import table_of
from clarion.envelope.definitions import definition_of, may_replace
from clarion.envelope.main_module import stored_signal_name
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.outbox.options import Options
    from clarion.typing import Receiver


T = TypeVar("T", bound="NamedReceiver")


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
        self._identity = receiver_key(receiver)
        self._place = definition_of(receiver)
        self._qualname: Any = getattr(receiver, "__qualname__", None)
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
        return "" if signal is None else stored_signal_name(signal)

    def registration(self) -> Registration | None:
        """Return the registration; None once the receiver is disconnected or freed."""
        signal = self._signal()
        registrations = [] if signal is None else table_of(signal).registrations()
        found = (each for each in registrations if cast("object", each.delivery) is self)
        registration = next(found, None)
        return None if registration is None or registration.live() is None else registration

    def may_be(self, other: NamedReceiver, registration: Registration) -> bool:
        """Return whether another receiver may have the name of this one.

        It may be the same one for another sender, the function of a module that is loaded again, or
        the one that a connect with `replace=True` is about to replace.

        Args:
            other: the receiver that is connected.
            registration: its registration.
        """
        if self._identity == other._identity or may_replace(self._place, other._place):
            return True
        is_named_alike = self._qualname is not None and self._qualname == other._qualname
        return registration.uid is not None and is_named_alike


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
        if each.signal is not added.signal or not set(each.names) & set(added.names):
            continue
        registration = each.registration()
        if registration is not None and not added.may_be(each, registration):
            raise ArgumentError(
                f"Receivers {each.shown} and {added.shown} have the same stored name. Give one of "
                f"them another name=. If one is to replace the other, connect both with a dispatch_uid, and "
                f"with replace=True.",
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
    """Return the connected receivers, by each of their names and aliases, the latest first."""
    found: dict[str, list[StoredReceiver]] = {}
    for each in _latest_first(stored_receivers()):
        for name in each.names:
            found.setdefault(name, []).append(each)
    return found


def find_receiver(name: str, signal: str) -> NamedReceiver | None:
    """Return the connected receiver of a row or a call, or None.

    Args:
        name: the name of the receiver.
        signal: the name of the signal.
    """
    named = [each for each in named_receivers() if name in each.names]
    found = (each for each in _latest_first(named) if each.signal_name == signal)
    return next(found, None)


def _latest_first(receivers: Iterable[T]) -> list[T]:
    """Return the receivers that are connected: those of a module that was loaded again come first."""
    found = [(each.registration(), each) for each in receivers]
    connected = [(registration.order, each) for registration, each in found if registration]
    return [each for _, each in sorted(connected, key=itemgetter(0), reverse=True)]
