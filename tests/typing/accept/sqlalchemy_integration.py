"""Receivers of SQLAlchemy's model signals, as in Django's documentation."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Unpack, assert_type

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from clarion import Signal, on_commit, receiver
from clarion.changes import Changes
from clarion.integrations.sqlalchemy import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from clarion.typing import ConnectOptions


class Order:
    """A sender."""


@receiver(post_save, sender=Order)
def all_named(sender: type[Order], instance: Order, created: bool, **kwargs: Any) -> None:
    """Accept some keywords, and the rest as **kwargs."""


@receiver([pre_save, post_save], sender="Order")
def only_keywords(**kwargs: Any) -> None:
    """Accept any keywords."""


@receiver(pre_save, sender="shop:Order", subclasses=True, priority=3)
async def without_sender(instance: Order, **kwargs: Any) -> None:
    """Accept the sender among the keywords too."""


@receiver([pre_save, post_save], sender=Order)
def what_changes(changes: Changes, instance: Order, **kwargs: Any) -> None:
    """Request the changes as the first parameter."""


@receiver(post_save, sender=Order)
async def what_has_changed(changes: Changes, sender: type[Order], **kwargs: Any) -> None:
    """Receive in a coroutine."""


@receiver(post_save, sender=Order)
def perhaps(instance: Order, changes: Changes | None = None, **kwargs: Any) -> None:
    """Request them in another position, with a default."""


@receiver(pre_save, sender=Order)
def audit(instance: Order, changes: Changes, **kwargs: Any) -> int:
    """Request them in any position."""
    return len(changes)


@receiver(post_save)
async def audit_later(
    sender: type[Order], created: bool, *, changes: Mapping[str, Any], **kwargs: Any
) -> None:
    """Request them by keyword only."""


@receiver(post_delete, sender=Order)
def audit_deletion(instance: Order, changes: Changes, **kwargs: Any) -> None:
    """Request the last values."""


@receiver(post_save)
@receiver(pre_save)
def audit_both(instance: Any, using: str, changes: Any, **kwargs: Any) -> None:
    """Receive two signals."""


@receiver(pre_save)
def audit_exactly(
    sender: type[Order],
    instance: Order,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    changes: Changes,
) -> None:
    """Accept exactly the keywords of the send, and the changes."""


@receiver(post_save)
def audit_by_keyword(
    *,
    sender: type[Order],
    instance: Order,
    created: bool,
    update_fields: frozenset[str] | None,
    changes: Changes,
    raw: bool,
    using: str,
) -> None:
    """Accept it by keyword only."""


@receiver(post_save)
def with_signal(signal: Signal, instance: Order, changes: Changes, **kwargs: Any) -> None:
    """Request the signal too."""


class Auditor:
    """An object with receivers."""

    def __init__(self) -> None:
        pre_save.connect(self.audit, sender=Order)
        post_save.connect(self.audit_later)

    def audit(self, instance: Order, changes: Changes, **kwargs: Any) -> None:
        """Request the changes."""

    async def audit_later(self, instance: Order, changes: Changes, **kwargs: Any) -> None:
        """Request the changes, in a coroutine."""


# With a delivery, a receiver may request a session and the coalesced sends.


@receiver(post_save, sender=Order, delivery=on_commit)
def mail(instance: Order, session: Session, **kwargs: Any) -> str:
    """Request a session, in any position."""
    return ""


@receiver(post_save, delivery=on_commit(coalesce="instance"), priority=1)
async def mail_later(
    instance: Order, sends: list[dict[str, Any]], session: AsyncSession, changes: Changes
) -> None:
    """Request all parameters, in a coroutine."""


@receiver(m2m_changed)
def exact(
    *,
    sender: object,
    action: str,
    instance: Any,
    reverse: bool,
    model: type[Any],
    pk_set: set[Any] | None,
    using: str,
    raw: bool,
) -> None:
    """Accept exactly the keywords of the send."""


post_save.connect(audit_by_keyword)
pre_save.connect(audit)
pre_save.connect(audit_exactly, sender=Order, priority=1)
post_save.connect(audit_later, subclasses=True)
post_save.connect(with_signal)
post_save.connect(all_named, delivery=None)
post_save.connect(mail, delivery=on_commit, sender=Order)
pre_delete.connect(mail, delivery=on_commit)
pre_save.disconnect(audit, sender=Order)

# A receiver keeps its type.

assert_type(audit(Order(), Changes({}), created=True), int)
assert_type(mail(Order(), Session(), created=True), str)
awaited: Awaitable[None] = audit_later(Order, True, changes={}, using="")
mails: Callable[[Order, Session], str] = mail

pre_delete.connect(only_keywords, sender=Order, dispatch_uid="x")
pre_delete.disconnect(only_keywords, sender=Order, dispatch_uid="x")

with pre_save.connected(audit, sender=Order), post_save.connected(mail, delivery=on_commit):
    pass


def note_saved(sender: type[Order], instance: Order, **kwargs: Any) -> None:
    """Note a save."""


def note_with_session(instance: Order, session: Session, **kwargs: Any) -> None:
    """Request a session, which the delivery provides."""


post_save.connect(note_saved, Order, priority=3)
post_save.connect(note_with_session, Order, delivery=on_commit)


def listen(**options: Unpack[ConnectOptions]) -> None:
    """Pass all options on."""
    post_save.connect(note_saved, **options)
