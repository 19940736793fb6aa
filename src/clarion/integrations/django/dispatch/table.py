"""The table of a Django signal: Clarion's, with an eye on `_live_receivers`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from clarion._core.instrument import Send
from clarion._core.registration import Registration
from clarion._core.route import Route
from clarion._core.table import Table
from clarion._core.tabled import policy_of, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.dispatch import Signal

    from clarion.policy import Policy

    Receiver = Callable[..., Any]


class DjangoTable(Table):
    """The registrations and routes of a Django signal.

    Some packages (Sentry's SDK) wrap `Signal._live_receivers` to put a span around each
    receiver, before or after Django runs on Clarion. So a send looks whether somebody
    has, and then asks them who hears it.
    """

    __slots__ = ("assignments", "kind", "signal_of")

    def __init__(self, signal: Signal, home: str | None, policy: Policy) -> None:
        super().__init__(None, home, policy)
        self.kind: Any = type(signal)
        self.guard = self.kind, "_live_receivers", installed_live_receivers
        self.signal_of = ref(signal)
        # Counts how often `signal.receivers` was assigned to.
        self.assignments = 0

    def find(self, sender: object) -> Route:
        """Return who hears this sender, as wrapped by whoever wraps it."""
        if self.kind._live_receivers is not installed_live_receivers:
            return self._ask_wrapper(sender)
        return Table.find(self, sender)

    def _ask_wrapper(self, sender: object) -> Route:
        signal: Any = self.signal_of()
        wrapped_sync, wrapped_async = signal._live_receivers(sender)
        registrations = [Registration(receiver, weak=False) for receiver in wrapped_sync]
        for registration in registrations:
            registration.is_async = False
        for receiver in wrapped_async:
            registration = Registration(receiver, weak=False)
            registration.is_async = True
            registrations.append(registration)
        return Route(registrations, Table.find(self, sender).instruments)


def live_receivers(self: Any, sender: object) -> tuple[list[Receiver], list[Receiver]]:
    """Return the receivers that would hear this sender: the sync and the async ones.

    As `Signal._live_receivers` in Django 6.1. Sends do not come by here, unless
    somebody wraps it.
    """
    route = Table.find(table_of(self), sender)
    send = Send(self, {"sender": sender}, route.instruments)
    found: tuple[list[Receiver], list[Receiver]] = [], []
    for registration in route.registrations:
        receiver = registration.live()
        if receiver is None or registration.is_spent or not send.admits(receiver):
            continue
        if not (registration.is_plain or registration.is_single_async):
            call = _acall if registration.is_async else _call
            receiver = partial(call, self, registration, receiver)
        found[registration.is_async].append(receiver)
    return found


def _call(signal: Any, registration: Registration, receiver: Receiver, /, **arguments: Any) -> Any:
    if not _may_call(signal, registration):
        return None
    provide = policy_of(signal).provide
    arguments |= {name: provide(signal, name, arguments) for name in registration.requested}
    if registration.delivery is not None:
        return registration.delivery.send(signal, registration, receiver, **arguments)
    return receiver(**arguments)


async def _acall(
    signal: Any, registration: Registration, receiver: Receiver, /, **arguments: Any
) -> Any:
    if not _may_call(signal, registration):
        return None
    provide = policy_of(signal).provide
    arguments |= {name: provide(signal, name, arguments) for name in registration.requested}
    if registration.delivery is not None:
        return await registration.delivery.asend(signal, registration, receiver, **arguments)
    return await receiver(**arguments)


def _may_call(signal: Any, registration: Registration) -> bool:
    # Whoever asked for the receivers may only have wanted to look at them. What is delivered
    # later has its only call then.
    if not registration.once or registration.delivery is not None:
        return True
    if not registration.claim():
        return False
    table_of(signal).discard(registration)
    return True


# What the take-over put into Django's class; it says so itself.
installed_live_receivers: object = None
