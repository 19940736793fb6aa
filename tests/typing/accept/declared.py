"""Correct uses of declared signals."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any, Unpack, assert_type

from clarion import DeclaredSignal, Signal, receiver, signal
from clarion.typing import BlockOptions, ConnectOptions, Receiver


class Order:
    """A sender."""


@signal
def order_paid(sender: type[Order], *, order_id: int, amount: Decimal) -> None:
    """An order was paid in full."""


@signal(name="shop.price")
def price(sender: type[Order], *, order_id: int, currency: str = "EUR") -> Decimal:
    """Request the price of an order."""
    raise NotImplementedError


@signal
def shop_opened(sender: object) -> None:
    """The shop opened; no keywords."""


class Shop:
    """A class that holds a signal."""

    @signal
    @staticmethod
    def closed(sender: object, *, at: int) -> None:
        """The shop closed."""


# Sends, the sender by position or by name, keywords with a default left out.

assert_type(order_paid.send(Order, order_id=1, amount=Decimal(1)), list[tuple[Receiver, object]])
assert_type(
    order_paid.send_robust(sender=Order, amount=Decimal(1), order_id=1),
    list[tuple[Receiver, object | Exception]],
)
assert_type(price.send(Order, order_id=1), list[tuple[Receiver, Decimal]])
assert_type(
    price.send_robust(Order, order_id=1, currency="CHF"),
    list[tuple[Receiver, Decimal | Exception]],
)
shop_opened.send(None)
Shop.closed.send(Shop, at=18)


async def send_async() -> None:
    """Send and await."""
    await order_paid.asend(Order, order_id=1, amount=Decimal(1))
    assert_type(await price.asend(Order, order_id=1), list[tuple[Receiver, Decimal]])
    assert_type(
        await price.asend_robust(Order, order_id=1), list[tuple[Receiver, Decimal | Exception]]
    )


# Receivers with exactly the declared keywords, with fewer and **kwargs, with wider types.


@receiver(order_paid, sender=Order)
def exact(sender: type[Order], order_id: int, amount: Decimal) -> None:
    """Accept the declared keywords."""


@receiver(order_paid, sender=Order, priority=3, once=True, weak=False)
def keyword_only(sender: type[Order], *, amount: Decimal, order_id: int) -> int:
    """Accept them in another order, and return a response."""
    return order_id


@receiver(order_paid, dispatch_uid=("shop", 1), subclasses=True, sender=Order, inline=True)
def less(sender: object, order_id: float, **kwargs: Any) -> None:
    """Accept some of them, with wider types."""


@receiver(order_paid)
def more(sender: object, order_id: int, amount: Decimal, note: str = "") -> None:
    """Accept one more, which has a default."""


@receiver(order_paid)
async def awaited(sender: type[Order], order_id: int, amount: Decimal) -> int:
    """Receive in a coroutine."""
    return order_id


@receiver(price)
def response(sender: type[Order], order_id: int, currency: str = "EUR") -> Decimal:
    """Return a response; an optional keyword has a default here too."""
    return Decimal(order_id)


@receiver(price)
async def answer_later(sender: type[Order], order_id: int, **kwargs: Any) -> Decimal:
    """Return a response, in a coroutine."""
    return Decimal(order_id)


@receiver(order_paid)
def with_signal(
    signal: DeclaredSignal[..., Any], sender: type[Order], order_id: int, amount: Decimal
) -> None:
    """Request the signal too, as the first parameter."""


@receiver(order_paid)
async def with_signal_later(
    signal: Signal, sender: type[Order], order_id: int, **kwargs: Any
) -> None:
    """Request the signal too, in a coroutine."""


@receiver(order_paid)
def with_optional_signal(
    sender: type[Order], order_id: int, amount: Decimal, signal: object = None
) -> None:
    """Request the signal in any position, with a default for the checkers."""


@receiver(shop_opened)
def open_shop(sender: object) -> None:
    """Accept the sender only."""


class Cashier:
    """An object with receivers."""

    def __init__(self) -> None:
        order_paid.connect(self.count, sender=Order)
        price.connect(self.ask)

    def count(self, sender: type[Order], order_id: int, amount: Decimal) -> None:
        """Count."""

    async def ask(self, sender: type[Order], order_id: int, currency: str = "") -> Decimal:
        """Return a response."""
        return Decimal(0)

    def __call__(self, sender: object, order_id: int, **kwargs: Any) -> None:
        """Receive a call."""


def bound(sender: object, order_id: int, *, register: int, **kwargs: Any) -> None:
    """Accept the declared keywords, and one that a partial adds."""


order_paid.connect(exact)
order_paid.connect(awaited, sender=Order, priority=-1)
order_paid.connect(with_signal, dispatch_uid="with")
order_paid.connect(Cashier())
order_paid.connect(partial(bound, register=1))
order_paid.connect(lambda sender, order_id, amount: None)
order_paid.disconnect(exact, sender=Order)
order_paid.disconnect(dispatch_uid="with")
order_paid.has_listeners(Order)

# A receiver keeps its type: sync or async, with its own parameters.

exact(Order, order_id=1, amount=Decimal(1))
awaitable: Awaitable[object] = awaited(Order, order_id=1, amount=Decimal(1))
answered: Decimal = response(Order, order_id=1)

# A signal can be passed to functions, with its type or as any signal.

anything: DeclaredSignal[..., Any] = order_paid
plainly: Signal = price
quoting: DeclaredSignal[..., Decimal] = price
names: str = order_paid.name


def ask_for_prices(ask: DeclaredSignal[..., Decimal]) -> list[Decimal]:
    """Send any signal whose responses are prices."""
    return [response for _, response in ask.send(Order, order_id=1)]


prices: list[Decimal] = ask_for_prices(price)
connect: Callable[..., None] = order_paid.connect

# A receiver can be connected for a block, and replace another.

with order_paid.connected(exact, sender=Order, priority=1), order_paid.connected(awaited, Order):
    pass
with order_paid.connected(with_signal, context=True, dispatch_uid="with", replace=True):
    pass
order_paid.connect(exact, dispatch_uid="exact", replace=True)


def take_paid(sender: type[Order], order_id: int, amount: Decimal) -> None:
    """Receive an order."""


order_paid.connect(take_paid, Order, priority=3)


def listen(**options: Unpack[ConnectOptions]) -> None:
    """Pass all options on."""
    order_paid.connect(take_paid, **options)
    receiver(order_paid, **options)(take_paid)


def listen_for_a_while(**options: Unpack[BlockOptions]) -> None:
    """Pass the options of a block on."""
    with order_paid.connected(take_paid, **options):
        pass
