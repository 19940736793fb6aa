"""Receivers of SQLAlchemy's model signals, as Django's documentation writes them."""

from typing import Any

from clarion import receiver
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


pre_delete.connect(only_keywords, sender=Order, dispatch_uid="x")
pre_delete.disconnect(only_keywords, sender=Order, dispatch_uid="x")
