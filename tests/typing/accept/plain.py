"""Plain signals: untyped, as Django's, and without errors under strict checking."""

from collections.abc import Callable, Hashable
from typing import Any, Unpack

from clarion import Signal, receiver, signal
from clarion.typing import BlockOptions, ConnectOptions, Receiver, Responses

order_paid = Signal()
order_sent = Signal(use_caching=True, name="shop.order_sent")


@signal
def declared(sender: object, *, order_id: int) -> None:
    """A declared signal is a signal too."""


@receiver(order_paid)
def take_any(sender: object, **kwargs: Any) -> int:
    """Accept anything."""
    return 1


@receiver(order_paid, sender="web", weak=True, priority=1, once=True, dispatch_uid="uid")
def take_named(sender: str, order_id: int, signal: Signal, **kwargs: Any) -> None:
    """Accept some keywords."""


@receiver([order_paid, order_sent], sender=int, subclasses=True, inline=True)
def take_both(sender: object, **kwargs: Any) -> None:
    """Receive two signals."""


@receiver((order_paid, declared))
def take_tuple(sender: object, **kwargs: Any) -> None:
    """Receive a plain signal and a declared one."""


@receiver([declared])
def take_declared(sender: object, order_id: int) -> None:
    """Receive a list of declared signals."""


@receiver(order_paid)
async def take_async(sender: object, **kwargs: Any) -> str:
    """Receive in a coroutine."""
    return ""


# The decorated function keeps its type.

one: int = take_any("web", note="")
take: Callable[[object], int] = take_any

order_paid.connect(take_any)
order_paid.connect(take_any, "web", False, "uid")
order_paid.connect(take_any, sender=int, weak=None, dispatch_uid=("a", 1), priority=3)
order_paid.connect(print)
disconnected: bool = order_paid.disconnect(take_any)
order_paid.disconnect(None, "web", "uid")
listened: bool = order_paid.has_listeners()

responses: Responses = order_paid.send("web", order_id=1, note="whatever")
responses = order_paid.send(sender=None)
for hearer, response in order_paid.send_robust("web"):
    named: Receiver = hearer
    if isinstance(response, Exception):
        raise response


async def send_async() -> Responses:
    """Send and await."""
    await order_paid.asend_robust(sender="web", order_id=1)
    return await order_paid.asend("web", order_id=1)


class LoggedSignal(Signal):
    """A subclass with overridden methods."""

    def __init__(self, title: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.title = title

    def connect(
        self,
        receiver: Any = None,
        sender: object = None,
        weak: bool | None = True,
        dispatch_uid: Hashable | None = None,
        **options: Any,
    ) -> None:
        """Connect weakly, as in Django."""
        super().connect(receiver, sender, weak, dispatch_uid, **options)

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: object = None,
        dispatch_uid: Hashable | None = None,
    ) -> bool:
        """Disconnect."""
        return super().disconnect(receiver, sender, dispatch_uid)

    def send(self, sender: object, **named: Any) -> Responses:
        """Send."""
        return super().send(sender, **named)

    async def asend(self, sender: object, **named: Any) -> Responses:
        """Send and await."""
        return await super().asend(sender, **named)


logged = LoggedSignal("Orders", name="shop.logged")


@receiver(logged, sender="web")
def take_logged(sender: object, **kwargs: Any) -> None:
    """Receive a signal of a subclass."""


logged.send("web", order_id=1)
signals: list[Signal] = [order_paid, logged, declared]

with order_paid.connected(take_any, "web", context=True, once=True) as taken:
    number: int = taken(None, order_id=1)
order_paid.connect(take_any, dispatch_uid="any", replace=True)


def listen(function: Receiver, **options: Unpack[ConnectOptions]) -> None:
    """Pass all options on."""
    order_paid.connect(function, **options)
    receiver(order_paid, **options)(function)


def listen_for_a_while(function: Receiver, **options: Unpack[BlockOptions]) -> None:
    """Pass the options of a block on."""
    with order_paid.connected(function, **options):
        pass
