"""What must not pass: deliveries and options that are none."""

from typing import Any

from clarion import Signal, on_commit, receiver, signal
from clarion.commit import atomic, suppressed

order_paid = Signal()


@signal
def declared(sender: object, *, order_id: int) -> None: ...


def hear(sender: object, **kwargs: Any) -> None: ...


def hear_declared(sender: object, order_id: int) -> None: ...


order_paid.connect(hear, delivery="on_commit")  # E: no delivery
order_paid.connect(hear, delivery=OnCommit)  # E: unknown name
order_paid.connect(hear, delivery=hear)  # E: no delivery
order_paid.connect(hear, delivery=on_commit(coalesce=1))  # E: no key
order_paid.connect(hear, delivery=on_commit(coalesce=[1]))  # E: no name of a keyword
order_paid.connect(hear, delivery=on_commit("order_id"))  # E: not by keyword
order_paid.connect(hear, delivery=on_commit(using=1))  # E: no alias
order_paid.connect(hear, delivery=on_commit(coalece="order_id"))  # E: misspelt option
declared.connect(hear_declared, delivery=True)  # E: no delivery
declared.connect(hear_declared, delivry=on_commit)  # E: misspelt option


@receiver(order_paid, delivery="on_commit")  # E: no delivery
def hear_later(sender: object, **kwargs: Any) -> None: ...


atomic(connection=None, alias="default")  # E: misspelt option
atomic(None, "default")  # E: not by keyword
atomic(using=1)  # E: no alias
suppressed()  # E: no reason
suppressed(1)  # E: no text
with suppressed as quiet:  # E: not called
    pass
