"""Declared signals, as they are meant to be used."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any, assert_type

from clarion import DeclaredSignal, Signal, receiver, signal
from clarion.typing import Receiver


class Order:
    """A sender."""


@signal
def order_paid(sender: type[Order], *, order_id: int, amount: Decimal) -> None:
    """An order was paid in full."""


@signal(name="shop.price")
def price(sender: type[Order], *, order_id: int, currency: str = "EUR") -> Decimal:
    """Ask for the price of an order."""
    raise NotImplementedError


@signal
def shop_opened(sender: object) -> None:
    """The shop opened; there is nothing else to say."""


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


# Receivers: of exactly what was declared, of less by way of **kwargs, of wider types.


@receiver(order_paid, sender=Order)
def exact(sender: type[Order], order_id: int, amount: Decimal) -> None:
    """Take what is declared."""


@receiver(order_paid, sender=Order, priority=3, once=True, weak=False)
def keyword_only(sender: type[Order], *, amount: Decimal, order_id: int) -> int:
    """Take it in another order, and answer."""
    return order_id


@receiver(order_paid, dispatch_uid=("shop", 1), subclasses=True, sender=Order, inline=True)
def less(sender: object, order_id: float, **kwargs: Any) -> None:
    """Take a part of it, and wider types than were declared."""


@receiver(order_paid)
def more(sender: object, order_id: int, amount: Decimal, note: str = "") -> None:
    """Take more, which has a default."""


@receiver(order_paid)
async def awaited(sender: type[Order], order_id: int, amount: Decimal) -> int:
    """Be awaited."""
    return order_id


@receiver(price)
def response(sender: type[Order], order_id: int, currency: str = "EUR") -> Decimal:
    """Answer what was declared; what a send may leave out has a default here too."""
    return Decimal(order_id)


@receiver(price)
async def answer_later(sender: type[Order], order_id: int, **kwargs: Any) -> Decimal:
    """Answer, awaited."""
    return Decimal(order_id)


@receiver(order_paid)
def with_signal(
    signal: DeclaredSignal[..., Any], sender: type[Order], order_id: int, amount: Decimal
) -> None:
    """Ask for the signal too, as the first parameter."""


@receiver(order_paid)
async def with_signal_later(
    signal: Signal, sender: type[Order], order_id: int, **kwargs: Any
) -> None:
    """Ask for the signal too, and be awaited."""


@receiver(order_paid)
def with_optional_signal(
    sender: type[Order], order_id: int, amount: Decimal, signal: object = None
) -> None:
    """Ask for the signal wherever it stands, with a default for the sake of the checkers."""


@receiver(shop_opened)
def open_shop(sender: object) -> None:
    """Take nothing but the sender."""


class Cashier:
    """An object with receivers."""

    def __init__(self) -> None:
        order_paid.connect(self.count, sender=Order)
        price.connect(self.ask)

    def count(self, sender: type[Order], order_id: int, amount: Decimal) -> None:
        """Count."""

    async def ask(self, sender: type[Order], order_id: int, currency: str = "") -> Decimal:
        """Answer."""
        return Decimal(0)

    def __call__(self, sender: object, order_id: int, **kwargs: Any) -> None:
        """Be called."""


def bound(sender: object, order_id: int, *, register: int, **kwargs: Any) -> None:
    """Take what is declared, and what a partial gives."""


order_paid.connect(exact)
order_paid.connect(awaited, sender=Order, priority=-1)
order_paid.connect(with_signal, dispatch_uid="with")
order_paid.connect(Cashier())
order_paid.connect(partial(bound, register=1))
order_paid.connect(lambda sender, order_id, amount: None)
order_paid.disconnect(exact, sender=Order)
order_paid.disconnect(dispatch_uid="with")
order_paid.has_listeners(Order)

# A receiver remains what it is: sync or async, callable with what was declared.

exact(Order, order_id=1, amount=Decimal(1))
awaitable: Awaitable[object] = awaited(Order, order_id=1, amount=Decimal(1))
answered: Decimal = response(Order, order_id=1)

# A signal can be handed around, as the type it is or as any signal.

anything: DeclaredSignal[..., Any] = order_paid
plainly: Signal = price
quoting: DeclaredSignal[..., Decimal] = price
names: str = order_paid.name


def ask_for_prices(ask: DeclaredSignal[..., Decimal]) -> list[Decimal]:
    """Send whatever signal is answered with prices."""
    return [response for _, response in ask.send(Order, order_id=1)]


prices: list[Decimal] = ask_for_prices(price)
connect: Callable[..., None] = order_paid.connect
