"""Receivers of SQLAlchemy's model signals, as Django's documentation writes them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, assert_type

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from clarion import Signal, on_commit, receiver
from clarion.changes import Changes
from clarion.integrations.sqlalchemy import m2m_changed, post_save, pre_delete, pre_save


class Order:
    """A sender."""


@receiver(post_save, sender=Order)
def all_named(sender: type[Order], instance: Order, created: bool, **kwargs: Any) -> None:
    """Take what is needed, and leave the rest to the keywords."""


@receiver([pre_save, post_save], sender="Order")
def only_keywords(**kwargs: Any) -> None:
    """Take whatever comes."""


@receiver(pre_save, sender="shop:Order", subclasses=True, priority=3)
async def without_sender(instance: Order, **kwargs: Any) -> None:
    """Leave the sender to the keywords, too."""


@receiver([pre_save, post_save], sender=Order)
def what_changes(changes: Changes, instance: Order, **kwargs: Any) -> None:
    """Ask for the changes, first of all."""


@receiver(post_save, sender=Order)
async def what_has_changed(changes: Changes, sender: type[Order], **kwargs: Any) -> None:
    """Await something for each."""


@receiver(post_save, sender=Order)
def perhaps(instance: Order, changes: Changes | None = None, **kwargs: Any) -> None:
    """Ask for them anywhere else, by a default."""


@receiver(pre_save, sender=Order)
def audit(instance: Order, changes: Changes, **kwargs: Any) -> int:
    """Ask for them wherever they stand."""
    return len(changes)


@receiver(post_save)
async def audit_later(
    sender: type[Order], created: bool, *, changes: Mapping[str, Any], **kwargs: Any
) -> None:
    """Ask for them by keyword, and for no more than is needed."""


@receiver(post_save)
@receiver(pre_save)
def audit_both(instance: Any, using: str, changes: Any, **kwargs: Any) -> None:
    """Hear two signals."""


@receiver(pre_save)
def audit_exactly(
    sender: type[Order],
    instance: Order,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    changes: Changes,
) -> None:
    """Take exactly what is sent, and the changes."""


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
    """Take it by keyword only."""


@receiver(post_save)
def with_signal(signal: Signal, instance: Order, changes: Changes, **kwargs: Any) -> None:
    """Ask for the signal, too."""


class Auditor:
    """An object with receivers."""

    def __init__(self) -> None:
        pre_save.connect(self.audit, sender=Order)
        post_save.connect(self.audit_later)

    def audit(self, instance: Order, changes: Changes, **kwargs: Any) -> None:
        """Ask for the changes."""

    async def audit_later(self, instance: Order, changes: Changes, **kwargs: Any) -> None:
        """Ask for the changes, awaited."""


# With a delivery, a receiver may ask for a session and for what was coalesced.


@receiver(post_save, sender=Order, delivery=on_commit)
def mail(instance: Order, session: Session, **kwargs: Any) -> str:
    """Ask for a session, wherever it stands."""
    return ""


@receiver(post_save, delivery=on_commit(coalesce="instance"), priority=1)
async def mail_later(
    instance: Order, sends: list[dict[str, Any]], session: AsyncSession, changes: Changes
) -> None:
    """Ask for all there is, awaited."""


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
    """Take exactly what is sent."""


post_save.connect(audit_by_keyword)
pre_save.connect(audit)
pre_save.connect(audit_exactly, sender=Order, priority=1)
post_save.connect(audit_later, subclasses=True)
post_save.connect(with_signal)
post_save.connect(all_named, delivery=None)
post_save.connect(mail, delivery=on_commit, sender=Order)
pre_delete.connect(mail, delivery=on_commit)
pre_save.disconnect(audit, sender=Order)

# A receiver remains what it is.

assert_type(audit(Order(), Changes({}), created=True), int)
assert_type(mail(Order(), Session(), created=True), str)
awaited: Awaitable[None] = audit_later(Order, True, changes={}, using="")
mails: Callable[[Order, Session], str] = mail

pre_delete.connect(only_keywords, sender=Order, dispatch_uid="x")
pre_delete.disconnect(only_keywords, sender=Order, dispatch_uid="x")
