"""Senders that are named before they are there: text, and relationships not configured yet.

A receiver is connected to the text until the class is mapped, and to the class from then
on. So until then, too, it is listed, undone by tests, and disconnected like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import Table
from sqlalchemy.orm import Mapper, QueryableAttribute, RelationshipProperty

# The only list of the mappers that there are.
from sqlalchemy.orm.mapper import _all_registries

from clarion._core.registration import Registration, sender_key
from clarion.errors import SenderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

# What a sender is that is not there yet.
UNRESOLVED = (str, QueryableAttribute)

_waiting: WeakSet[ModelSignal[..., Any]] = WeakSet()


def mappers() -> Iterator[Mapper[Any]]:
    """Yield all mappers that there are."""
    for registry in list(_all_registries()):
        yield from list(registry.mappers)


def resolve(sender: object) -> object:
    """Return the class or the table that is meant, or the sender itself.

    Raises:
        SenderError: if text names several classes, or an attribute is no many-to-many
            relationship.
    """
    if isinstance(sender, str):
        found = [mapper.class_ for mapper in mappers() if is_named(mapper.class_, sender)]
        if len(found) > 1:
            where = " and ".join(sorted(f"{each.__module__}:{each.__qualname__}" for each in found))
            raise SenderError(
                f"Sender {sender!r} names several mapped classes: {where}. "
                f"Give the class itself, or 'module:Class'.",
                sender,
            )
        return found[0] if found else sender
    if isinstance(sender, QueryableAttribute):
        return _table_of(sender)
    return sender


def check_class(sender: object) -> None:
    """Refuse what is neither a class nor text that could name one: it would never send.

    Raises:
        SenderError: if it is something else.
    """
    if isinstance(sender, str) and sender.rpartition(":")[2].strip():
        return
    if sender is not None and not isinstance(sender, type):
        raise SenderError(
            f"Sender {sender!r} is not a class. Give the class, its name, or 'module:Class'.",
            sender,
        )


def check_table(sender: object) -> None:
    """Refuse what is neither a many-to-many relationship nor a table: it would never send.

    Raises:
        SenderError: if it is something else.
    """
    if sender is not None and not isinstance(sender, (Table, QueryableAttribute)):
        raise SenderError(
            f"Sender {sender!r} has no members. Give the relationship, as in Book.authors, or "
            f"the association table.",
            sender,
        )


def is_named(kind: type, text: str) -> bool:
    """Tell whether text means a class, by its name or by its module and its name."""
    module, _, name = text.rpartition(":")
    return name in {kind.__name__, kind.__qualname__} and module in {"", kind.__module__}


def _table_of(attribute: Any) -> object:
    prop: Any = getattr(attribute, "prop", None)
    if not isinstance(prop, RelationshipProperty):
        raise _no_relationship(attribute)
    if not prop.parent.configured:
        # Configuring here would fail for classes whose counterparts are yet to be written,
        # and SQLAlchemy remembers a failure for ever.
        return attribute
    secondary: object = prop.secondary
    if not isinstance(secondary, Table):
        raise _no_relationship(attribute)
    return prop.secondary


def _no_relationship(attribute: object) -> SenderError:
    return SenderError(
        f"Sender {attribute} is no many-to-many relationship. Give one that has a `secondary`, "
        f"or the association table.",
        attribute,
    )


def await_mapping(signal: ModelSignal[..., Any], sender: object) -> None:
    """Have a registration of a sender that is not there yet moved to it when it is."""
    from clarion.integrations.sqlalchemy import hooks

    _waiting.add(signal)
    hooks.mapped()
    # It may have been mapped, by another thread, while nobody was told of it.
    if resolve(sender) is not sender:
        _settle([signal])


def class_mapped(mapper: Mapper[Any], class_: type[Any]) -> None:  # noqa: ARG001
    """Tell that a class has been mapped, after those who wait for it have been connected."""
    from clarion.integrations.sqlalchemy.send import deliver
    from clarion.integrations.sqlalchemy.signals import class_prepared

    _settle(_waiting, class_)
    if class_prepared.has_listeners(class_):
        deliver(class_prepared, class_)


def mappers_configured() -> None:
    """Connect those who wait for a relationship, and watch the new relationships."""
    from clarion.integrations.sqlalchemy.flush import many_to_many

    _settle(_waiting)
    many_to_many.watch_new()


def _settle(signals: Iterable[ModelSignal[..., Any]], mapped: type | None = None) -> None:
    for signal in list(signals):
        waiting = [r for r in signal._table.registrations() if isinstance(r.sender, UNRESOLVED)]
        for registration in waiting:
            sender = _now(registration.sender, mapped)
            if sender is not registration.sender:
                _move(signal, registration, sender)


def _now(sender: Any, mapped: type | None) -> object:
    if mapped is None:
        return resolve(sender)
    # The class itself: amid its mapping it may not be among the mapped ones.
    return mapped if isinstance(sender, str) and is_named(mapped, sender) else sender


def _move(signal: ModelSignal[..., Any], waiting: Registration, sender: object) -> None:
    receiver = waiting.live()
    signal._table.discard(waiting)
    if receiver is None:
        return
    signal._check_sender(sender, subclasses=waiting.subclasses)
    # fmt: off
    moved = Registration(
        receiver, sender_key(sender), waiting.weak, waiting.uid, waiting.priority, waiting.once,
        waiting.subclasses, waiting.inline, waiting.requested, signal._table.on_death,
        waiting.delivery,
    )
    # fmt: on
    moved.renew(waiting.order)
    signal._table.add(moved, sender)
    signal._table.attach(sender, waiting.subclasses)
