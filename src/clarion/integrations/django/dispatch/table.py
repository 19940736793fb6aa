"""The table of a Django signal, and `_live_receivers`, which other packages wrap."""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import ref

from clarion._core import registry
from clarion._core.call import acall, call
from clarion._core.instrument import Send
from clarion._core.registration import Registration
from clarion._core.route import Route
from clarion._core.table import Table
from clarion._core.tabled import set_table, table_of
from clarion.integrations.django.dispatch.policy import policy_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.dispatch import Signal

    from clarion.policy import Policy

    Receiver = Callable[..., Any]

# `_live_receivers` returns a function for each receiver with options. The function has this attribute.
_REGISTRATION = "clarion_registration"


# The keys are ids of Django's own signals. The value is called when a receiver begins to listen.
listening_hooks: dict[int, Callable[[object, bool], None]] = {}


class DjangoTable(Table):
    """The registrations and routes of a Django signal.

    Some packages (Sentry's SDK) wrap `Signal._live_receivers` to put a span around each
    receiver, before or after `install`. So a send checks for a wrapper, and calls the receivers
    that the wrapper returns.

    Attributes:
        assignments: how often `signal.receivers` was assigned.
        signal_class: the class of the signal.
        signal_of: returns the signal, or None if it was deleted.
    """

    __slots__ = ("assignments", "signal_class", "signal_of")

    def __init__(self, signal: Signal, home: str | None, policy: Policy) -> None:
        super().__init__(None, home, policy)
        self.signal_class: Any = type(signal)
        self.guard = self.signal_class, "_live_receivers", installed_live_receivers
        self.signal_of = ref(signal)
        self.on_listening = listening_hooks.get(id(signal))
        self.assignments = 0

    def find_route(self, sender: object) -> Route:
        """Return the receivers of a sender; use a wrapper of `_live_receivers` if one exists."""
        if self.signal_class._live_receivers is not installed_live_receivers:  # Django's
            return self._find_wrapped(sender)
        return Table.find_route(self, sender)

    def _find_wrapped(self, sender: object) -> Route:
        signal: Any = self.signal_of()
        wrapped_sync, wrapped_async = signal._live_receivers(sender)  # Django's
        registrations = [_registration_of(receiver, is_async=False) for receiver in wrapped_sync]
        registrations += [_registration_of(receiver, is_async=True) for receiver in wrapped_async]
        route = Route(registrations, Table.find_route(self, sender).instruments)
        route.registrations = tuple(registrations)  # in the order of the wrapper
        return route


def attach_table(signal: Any, home: str | None = None) -> None:
    """Give a Django signal a table, and add it to the registry.

    Args:
        signal: the signal.
        home: the module that created it, if known.
    """
    set_table(signal, DjangoTable(signal, home, policy_for(signal)))
    registry.add(signal)


def django_table_of(signal: Any) -> DjangoTable:
    """Return the table of a Django signal."""
    table: Any = table_of(signal)
    return table  # `attach_table` made it


def live_receivers(self: Any, sender: object) -> tuple[list[Receiver], list[Receiver]]:
    """Return the sync and the async receivers that a send calls.

    It works like `Signal._live_receivers` in Django 6.1. A send calls it only if it is wrapped.
    """
    route = Table.find_route(table_of(self), sender)
    send = Send(self, {"sender": sender}, route.instruments)
    receivers: tuple[list[Receiver], list[Receiver]] = [], []
    for registration in route.heard():
        receiver = registration.live()
        if receiver is None or registration.is_spent or not send.allows(receiver):
            continue
        if not (registration.is_simple or registration.is_simple_async):
            receiver = _calling(self, registration, receiver)
        receivers[registration.is_async].append(receiver)
    return receivers


def _calling(signal: Any, registration: Registration, receiver: Receiver) -> Receiver:
    """Return a function that calls a registration, and has the names of its receiver."""

    def calling(**arguments: Any) -> Any:
        return call(signal, registration, receiver, arguments)

    async def acalling(**arguments: Any) -> Any:
        return await acall(signal, registration, receiver, arguments)

    function: Any = acalling if registration.is_async else calling
    _copy_names(receiver, function)
    # The id identifies the function, because `functools.wraps` copies the attribute to a wrapper.
    setattr(function, _REGISTRATION, (registration, id(function)))
    return function


def _copy_names(receiver: Any, function: Any) -> None:
    """Copy the names, as `functools.wraps` does; an object without a name gets those of its class."""
    named = receiver
    while isinstance(named, partial):
        named = named.func
    if not hasattr(named, "__name__"):
        named = type(named)
    for attribute in ("__module__", "__name__", "__qualname__"):
        if isinstance(value := getattr(named, attribute, None), str):
            setattr(function, attribute, value)
    function.__doc__ = receiver.__doc__
    function.__dict__.update(vars(receiver) if isinstance(receiver, FunctionType) else {})
    function.__wrapped__ = receiver


def _registration_of(receiver: Receiver, *, is_async: bool) -> Registration:
    """Return the registration of a receiver that `_live_receivers` has returned."""
    if type(receiver) is FunctionType and _REGISTRATION in receiver.__dict__:
        own, function_id = receiver.__dict__[_REGISTRATION]
        if function_id == id(receiver):
            return own  # so that the send returns its receiver
    registration = Registration().fill(receiver, weak=False)
    registration.is_async = is_async
    return registration


# The method that is in Django's class while Clarion is installed; `install` sets this.
installed_live_receivers: object = None
