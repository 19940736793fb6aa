"""`connect` with Clarion's options, which mypy accepts with the plugin."""

from typing import Any

from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import Signal

from clarion import on_commit
from shop.models import Order

paid = Signal()


def note(**kwargs: Any) -> None: ...


post_save.connect(note, sender=Order, priority=3)  # P: an option of Clarion
post_delete.connect(note, Order, delivery=on_commit(coalesce="instance"))  # P: as above
pre_save.connect(note, subclasses=True, inline=True, replace=True)  # P: as above
paid.connect(note, "web", once=True)  # P: as above


@post_save.connect(sender=Order, weak=False)  # P: a decorator, as Clarion makes it
def decorated(sender: type[Order], **kwargs: Any) -> int:
    return 1


kept: int = decorated(Order)
pre_save.connect(note, sender="shop.Order", weak=False, dispatch_uid="note")
pre_save.connect(note, sender=5)  # E: no sender of Django
post_save.connect(note, priority="high")  # E: wrong type
post_save.connect(note, onec=True)  # E: misspelt option
