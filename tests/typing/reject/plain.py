"""Errors even with plain signals: wrong options, and objects that are no receivers."""

from typing import Any

from clarion import Signal, receiver
from clarion.introspect import explain
from clarion.testing import assert_sent, capture, muted

order_paid = Signal()


def receive(sender: object, **kwargs: Any) -> None: ...


order_paid.connect(receive, prioritty=1)  # E: misspelt option
order_paid.connect(receive, priority="high")  # E: wrong type of an option
order_paid.connect(receive, weak="yes")  # E: wrong type of an option
order_paid.connect("receive")  # E: nothing to call
order_paid.disconnect(receive, uid="uid")  # E: unknown option
order_paid.send(order_id=1)  # E: no sender
order_paid.send("web", 1)  # E: not by keyword
Signal("name")  # E: a flag is not a name
Signal(nam="shop.order_paid")  # E: misspelt option


@receiver(order_paid, prioritty=1)  # E: misspelt option
def misspelt(sender: object, **kwargs: Any) -> None: ...


@receiver(order_paid, once="yes")  # E: wrong type of an option
def wrong_option(sender: object, **kwargs: Any) -> None: ...


@receiver(receive)  # E: no signal
def no_signal(sender: object, **kwargs: Any) -> None: ...


@receiver([order_paid, "order_sent"])  # E: not only signals
def some_signal(sender: object, **kwargs: Any) -> None: ...


capture("order_paid")  # E: no signal
explain(receive)  # E: no signal
muted("order_paid")  # E: neither a signal nor a receiver
assert_sent(order_paid)  # E: no capture

with order_paid.connected("receive"):  # E: nothing to call
    pass
with order_paid.connected(receive, prioritty=1):  # E: misspelt option of a block
    pass
with order_paid.connected(receive) as taken:
    taken.name  # E: a function has no name
order_paid.connect(receive, "web", prioritty=1)  # E: misspelt option
order_paid.connect("receive")  # E: nothing to call
