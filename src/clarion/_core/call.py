"""Call one registration: claim its only call, add what it requested, use its delivery."""

from __future__ import annotations

from clarion._core.tabled import policy_of, table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver
    from clarion.delivery import Bound

    Arguments = dict[str, Any]


def claim(signal: Signal, registration: Registration) -> bool:
    """Return whether the receiver may be called now.

    The first call of a registration with `once=True` disconnects it, and any other is refused.
    """
    if not registration.once:
        return True
    if not registration.claim():
        return False
    table_of(signal).discard(registration)
    return True


def arguments_of(
    signal: Signal, registration: Registration, arguments: Mapping[str, Any]
) -> Arguments:
    """Return the arguments of a send with the values that the receiver requested."""
    provide = policy_of(signal).provide
    return {
        **arguments,
        **{name: provide(signal, name, arguments) for name in registration.requested},
    }


def deliver(
    signal: Signal, registration: Registration, receiver: Receiver, arguments: Arguments
) -> Any:
    """Give one send to the delivery of a registration, and return its response."""
    return _delivery(registration).send(signal, registration, receiver, **arguments)


async def adeliver(
    signal: Signal, registration: Registration, receiver: Receiver, arguments: Arguments
) -> Any:
    """Give one `asend` to the delivery of a registration, as `deliver`."""
    return await _delivery(registration).asend(signal, registration, receiver, **arguments)


def must_await(
    signal: Signal, registration: Registration, receiver: Receiver, arguments: Arguments
) -> bool:
    """Return whether a send has to await the receiver before it returns.

    Raises:
        ClarionError: if its delivery could not await it later.
    """
    if registration.delivery is None or not registration.is_async:
        return registration.is_async
    return registration.delivery.awaits(signal, receiver, **arguments)


def call(
    signal: Signal, registration: Registration, receiver: Receiver, arguments: Arguments
) -> Any:
    """Call a sync receiver with all that its registration asks for.

    Returns:
        Its response; None if it was connected with `once=True` and has had its call.
    """
    # A delivery claims the only call when it makes it.
    if registration.delivery is None and not claim(signal, registration):
        return None
    if registration.requested:
        arguments = arguments_of(signal, registration, arguments)
    if registration.delivery is None:
        return receiver(**arguments)
    return deliver(signal, registration, receiver, arguments)


async def acall(
    signal: Signal, registration: Registration, receiver: Receiver, arguments: Arguments
) -> Any:
    """Await an async receiver, as `call`."""
    if registration.delivery is None and not claim(signal, registration):
        return None
    if registration.requested:
        arguments = arguments_of(signal, registration, arguments)
    if registration.delivery is None:
        return await receiver(**arguments)
    return await adeliver(signal, registration, receiver, arguments)


def _delivery(registration: Registration) -> Bound:
    return registration.delivery  # type: ignore[return-value]  # the caller has checked it
