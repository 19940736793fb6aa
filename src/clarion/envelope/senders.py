"""How senders are stored: by value, as a reference, or by a name that the program has registered.

null                                        no sender
{"value": "web"}                            text or a number
{"object": {"kind": "django", ...}}         an object of a database
{"class": {"kind": "django", "name": ...}}  one of its models
{"name": "shop.orders:Checkout"}            a registered class or object
"""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from clarion._core.names import quoted_name, value_name
from clarion._core.registry import signals
from clarion._core.tabled import table_of
from clarion.envelope.main_module import importable
from clarion.envelope.receiver_names import check_name, type_name
from clarion.envelope.references import (
    dump_class,
    dump_object,
    kind_owning,
    kind_owning_class,
    load_class,
    load_object,
)
from clarion.envelope.registry import Registry
from clarion.errors import ArgumentError, DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    T = TypeVar("T")

registered: Registry[str, object] = Registry()


def register_sender(sender: T, *, name: str | None = None) -> T:
    """Let a class, or an object of a module, be the sender of a stored send.

    Model classes need no registration, nor do senders that a receiver is connected for. The
    function also works as a decorator of a class. Call it in the sender's program and in the
    worker's. A module that is loaded again replaces its senders.

    Args:
        sender: the class or object.
        name: its name; by default `module:qualname`.

    Returns:
        The sender.

    Raises:
        ArgumentError: if it has no name, or another sender has the same one.
    """
    natural = natural_name(sender)
    name = natural if name is None else check_name(name)
    if name is None:
        raise ArgumentError(
            f"{value_name(sender)} has no name of its own. Give register_sender() a name=.",
            ["name"],
        )
    known = registered.add(name, sender)
    if known is sender:
        return sender
    if natural is not None and natural == natural_name(known):
        registered[name] = sender  # of a module that is loaded again
    else:
        raise ArgumentError(
            f"Another sender is registered as {quoted_name(name)}. Give register_sender() another "
            f"name=.",
            ["name"],
        )
    return sender


def natural_name(sender: object) -> str | None:
    """Return the `module:qualname` of a class or function at the top level of its module."""
    if isinstance(sender, ModuleType):
        return importable(sender.__name__)
    if not isinstance(sender, (type, FunctionType)) or "<" in sender.__qualname__:
        return None
    return type_name(sender)


def dump_sender(sender: object, *, snapshot: bool = False) -> Any:
    """Return a sender as JSON.

    Args:
        sender: the sender.
        snapshot: whether to store the values of a sender that is an object of a database.

    Raises:
        ValueError: if it cannot be stored; the message says why, in a few words.
    """
    if sender is None:
        return None
    if type(sender) in {str, int, bool}:
        return {"value": sender}
    if kind_owning_class(sender) is not None:
        return {"class": dump_class(sender)}
    if kind_owning(sender) is not None:
        return {"object": dump_object(sender, "the sender", snapshot=snapshot)}
    for name, known in known_senders():
        if known is sender:
            return {"name": name}
    raise ValueError(
        f"the sender is {value_name(sender)}, which no other process can find; decorate the class, or "
        f"call, with clarion.envelope.register_sender"
    )


def load_sender(data: Any, session: Any, missing: str = "fail") -> object:
    """Return the sender that `dump_sender` stored.

    Args:
        data: what `dump_sender` returned.
        session: the session or connection of the receiver, or None.
        missing: as for `load_object`.

    Raises:
        DecodingError: if this program does not know it.
        GoneError: if it is an object whose row is gone.
    """
    match data:
        case None:
            return None
        case {"value": str() | int() as value}:
            return value
        case {"class": {"kind": _, "name": str()} as named}:
            return load_class(named)
        case {"object": reference}:
            return load_object(reference, session, missing)
        case {"name": str() as name}:
            for known_name, sender in known_senders():
                if known_name == name:
                    return sender
            raise DecodingError(
                f"The sender {quoted_name(name)} is not known to this program. Import its module in "
                f"the worker, or register it there with clarion.envelope.register_sender."
            )
        case _:
            raise DecodingError("The stored sender is damaged. Discard the delivery.")


def known_senders() -> Iterator[tuple[str, object]]:
    """Yield the registered senders, and the senders that a receiver is connected for."""
    yield from dict(registered).items()  # a copy, because the caller may register meanwhile
    for signal in signals():
        for registration in table_of(signal).registrations():
            sender = registration.sender_of()
            if (name := natural_name(sender)) is not None:
                yield name, sender
