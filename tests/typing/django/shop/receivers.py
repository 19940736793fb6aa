"""What every checker accepts, without a plugin."""

from typing import Any

from django.core.signals import request_started
from django.db.models.signals import ModelSignal, post_delete, post_save
from django.dispatch import Signal
from django.dispatch import receiver as django_receiver

from clarion import on_commit, receiver
from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
from clarion.introspect import explain, registrations
from clarion.testing import assert_sent, capture, muted
from shop.models import Order

paid = Signal()


@django_receiver(post_bulk_update, sender=Order)
def note_update(sender: type[Order], **kwargs: Any) -> None: ...


@django_receiver([post_save, post_bulk_insert], sender=Order, delivery=on_commit)
def note_either(sender: type[Order], **kwargs: Any) -> None: ...


@django_receiver(post_save, sender=Order, priority=3, once=True)
def note_first(sender: type[Order], instance: Order, **kwargs: Any) -> None: ...


@receiver(post_save, sender=Order, priority=3)
def note_save(sender: type[Order], instance: Order, **kwargs: Any) -> int:
    return 1


@receiver([post_save, post_bulk_update, request_started], delivery=on_commit)
def note_several(**kwargs: Any) -> None: ...


@receiver([post_save, post_delete])
def note_both(**kwargs: Any) -> None: ...


@receiver(paid)
def note_paid(number: str, **kwargs: Any) -> None: ...


@receiver(post_bulk_update, sender=Order)
def note_bulk(sender: Any, rowcount: int | None, **kwargs: Any) -> str:
    return ""


kept: int = note_save(Order, Order())  # the decorator keeps the type
also_kept: str = note_bulk(Order, 1)
named: ModelSignal = post_bulk_update
post_save.connect(note_save, sender=Order, weak=False)
post_bulk_delete.connect(note_several, sender=Order, priority=2)
with capture(post_save, post_bulk_update) as sent, muted(note_save):
    assert_sent(sent, post_save)
shown = str(explain(post_save, Order)), registrations(paid)


@receiver(post_save, onec=True)  # E: misspelt option
def misspelt(**kwargs: Any) -> None: ...


@receiver(post_save, priority="high")  # E: wrong type
def wrong(**kwargs: Any) -> None: ...


@receiver(post_bulk_update)  # E: wrong type of a keyword
def wrong_keyword(rowcount: str, **kwargs: Any) -> None: ...


@receiver(Order)  # E: not a signal
def no_signal(**kwargs: Any) -> None: ...
