"""Errors: wrong deliveries and options."""

from typing import Any

from clarion import Signal, on_commit, receiver, signal
from clarion.commit import atomic, suppressed

order_paid = Signal()


@signal
def declared(sender: object, *, order_id: int) -> None: ...


def receive(sender: object, **kwargs: Any) -> None: ...


def receive_declared(sender: object, order_id: int) -> None: ...


order_paid.connect(receive, delivery="on_commit")  # E: no delivery
order_paid.connect(receive, delivery=OnCommit)  # E: unknown name
order_paid.connect(receive, delivery=receive)  # E: no delivery
order_paid.connect(receive, delivery=on_commit(coalesce=1))  # E: no key
order_paid.connect(receive, delivery=on_commit(coalesce=[1]))  # E: no name of a keyword
order_paid.connect(receive, delivery=on_commit("order_id"))  # E: not by keyword
order_paid.connect(receive, delivery=on_commit(using=1))  # E: no alias
order_paid.connect(receive, delivery=on_commit(coalece="order_id"))  # E: misspelt option
declared.connect(receive_declared, delivery=True)  # E: no delivery
declared.connect(receive_declared, delivry=on_commit)  # E: misspelt option


@receiver(order_paid, delivery="on_commit")  # E: no delivery
def receive_later(sender: object, **kwargs: Any) -> None: ...


@receiver(declared, delivery="on_commit")  # E: no delivery
def receive_declared_later(sender: object, order_id: int) -> None: ...


@receiver(declared, delivery=on_commit, prioritty=1)  # E: misspelt option
def receive_misspelt(sender: object, order_id: int) -> None: ...


@receiver([declared], delivery=on_commit, priority="high")  # E: wrong type of an option
def receive_several(sender: object, order_id: int) -> None: ...


@receiver(receive, delivery=on_commit)  # E: no signal
def receive_none(sender: object, **kwargs: Any) -> None: ...


@receiver(declared, delivery=None)  # E: lacks the keyword, and is not delivered
def receive_now(sender: object) -> None: ...


@receiver(declared)  # E: only a delivery gives sends
def receive_sends(order_id: int, sends: list[Any], **kwargs: Any) -> None: ...


def asks_for_sends(order_id: int, sends: list[Any], **kwargs: Any) -> None: ...


declared.connect(asks_for_sends)  # E: only a delivery gives sends
declared.connect(asks_for_sends, delivery=None)  # E: only a delivery gives sends
declared.connect(asks_for_sends, delivery=on_commit, onec=True)  # E: misspelt option
declared.connect(1, delivery=on_commit)  # E: nothing to call


@receiver(declared, delivery=on_commit)
def remains(sender: object, order_id: int) -> str:
    return ""


remains(None, order_id="1")  # E: wrong type
number: int = remains(None, 1)  # E: it returns text


atomic(connection=None, alias="default")  # E: misspelt option
atomic(None, "default")  # E: not by keyword
atomic(using=1)  # E: no alias
suppressed()  # E: no reason
suppressed(1)  # E: no text
with suppressed as quiet:  # E: not called
    pass
