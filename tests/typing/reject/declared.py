"""Errors: wrong sends of declared signals, and wrong receivers."""

from decimal import Decimal
from typing import Any

from clarion import DeclaredSignal, receiver, signal


class Order:
    """A sender."""


@signal
def order_paid(sender: type[Order], *, order_id: int, amount: Decimal) -> None:
    """An order was paid in full."""


@signal
def price(sender: type[Order], *, order_id: int) -> Decimal:
    """Request the price of an order."""
    raise NotImplementedError


# Sends.

order_paid.send(Order, order_id=1, amount=Decimal(1), note="")  # E: unknown keyword
order_paid.send(Order, order=1, amount=Decimal(1))  # E: misspelt keyword
order_paid.send(Order, order_id=1)  # E: missing keyword
order_paid.send(order_id=1, amount=Decimal(1))  # E: no sender
order_paid.send(Order, order_id="1", amount=Decimal(1))  # E: wrong type
order_paid.send(Order, order_id=1, amount=1.5)  # E: wrong type
order_paid.send(Order(), order_id=1, amount=Decimal(1))  # E: wrong sender
order_paid.send(Order, 1, Decimal(1))  # E: not by keyword
order_paid.send_robust(Order, order=1, amount=Decimal(1))  # E: misspelt keyword
order_paid.send_robust(Order, order_id=1)  # E: missing keyword
order_paid.send_robust(Order, order_id="1", amount=Decimal(1))  # E: wrong type


async def send_async() -> None:
    """Send and await."""
    await order_paid.asend(Order, order=1, amount=Decimal(1))  # E: misspelt keyword
    await order_paid.asend(Order, order_id=1)  # E: missing keyword
    await order_paid.asend(Order, order_id="1", amount=Decimal(1))  # E: wrong type
    await order_paid.asend_robust(Order, order=1, amount=Decimal(1))  # E: misspelt keyword
    await order_paid.asend_robust(Order, order_id=1)  # E: missing keyword
    await order_paid.asend_robust(Order, order_id="1", amount=Decimal(1))  # E: wrong type
    order_paid.asend(Order, order_id=1, amount=Decimal(1))  # E: not awaited


# Decorated receivers.


@receiver(order_paid)  # E: lacks a keyword
def lacks(sender: type[Order], order_id: int) -> None: ...


@receiver(order_paid)  # E: lacks all keywords
def lacks_all(sender: type[Order]) -> None: ...


@receiver(order_paid)  # E: lacks the sender
def lacks_sender(order_id: int, amount: Decimal) -> None: ...


@receiver(order_paid)  # E: wants more than is sent
def wants_more(sender: type[Order], order_id: int, amount: Decimal, note: str) -> None: ...


@receiver(order_paid)  # E: wrong type
def wrong_type(sender: type[Order], order_id: str, amount: Decimal) -> None: ...


@receiver(order_paid)  # E: wrong type of the values of **kwargs
def wrong_kwargs(sender: type[Order], **kwargs: int) -> None: ...


@receiver(order_paid)  # E: wrong sender
def wrong_sender(sender: Order, order_id: int, amount: Decimal) -> None: ...


@receiver(order_paid)  # E: lacks a keyword, async
async def lacks_async(sender: type[Order], order_id: int) -> None: ...


@receiver(order_paid)  # E: wrong type, async
async def wrong_async(sender: type[Order], order_id: str, **kwargs: Any) -> None: ...


@receiver(order_paid)  # E: lacks a keyword, with the signal
def lacks_signal(signal: object, sender: type[Order], order_id: int) -> None: ...


@receiver(price)  # E: wrong answer
def wrong_answer(sender: type[Order], order_id: int) -> str:
    return ""


@receiver(price)  # E: no answer
def no_answer(sender: type[Order], order_id: int) -> None: ...


@receiver(price)  # E: wrong answer, async
async def wrong_answer_async(sender: type[Order], order_id: int) -> str:
    return ""


@receiver(order_paid, prioritty=1)  # E: misspelt option
def misspelt(sender: type[Order], order_id: int, amount: Decimal) -> None: ...


@receiver(order_paid, priority="high")  # E: wrong type of an option
def wrong_option(sender: type[Order], order_id: int, amount: Decimal) -> None: ...


@receiver(order_paid, dispatch_uid=[])  # E: a uid that cannot be hashed
def unhashable(sender: type[Order], order_id: int, amount: Decimal) -> None: ...


# Connected receivers.


def fits(sender: type[Order], order_id: int, amount: Decimal) -> None: ...


def lacks_it(sender: type[Order], order_id: int) -> None: ...


def mistakes_it(sender: type[Order], order_id: str, amount: Decimal) -> None: ...


async def lacks_it_async(sender: type[Order], order_id: int) -> None: ...


def answers_text(sender: type[Order], order_id: int) -> str:
    return ""


async def answers_text_async(sender: type[Order], order_id: int) -> str:
    return ""


class Cashier:
    """An object with receivers."""

    def count(self, sender: type[Order], order_id: str, amount: Decimal) -> None: ...

    def __call__(self, sender: type[Order], note: str) -> None: ...


order_paid.connect(lacks_it)  # E: lacks a keyword
order_paid.connect(mistakes_it)  # E: wrong type
order_paid.connect(lacks_it_async)  # E: lacks a keyword, async
order_paid.connect(Cashier().count)  # E: wrong type, a method
order_paid.connect(Cashier())  # E: lacks a keyword, an object
order_paid.connect(lambda sender, order_id: None)  # E: lacks a keyword, a lambda
order_paid.connect(fits, prioritty=1)  # E: misspelt option
order_paid.connect(fits, once="yes")  # E: wrong type of an option
order_paid.connect(None)  # E: nothing to call
price.connect(answers_text)  # E: wrong answer
price.connect(answers_text_async)  # E: wrong answer, async

# The types of responses and of signals.

text: str = price.send(Order, order_id=1)[0][1]  # E: the answer is a Decimal
asked: DeclaredSignal[..., str] = price  # E: asks for Decimals


@signal(name=1)  # E: a name that is none
def named(sender: object) -> None: ...


# A direct call of a receiver is checked too.


@receiver(order_paid)
def checked(sender: type[Order], order_id: int, amount: Decimal) -> None: ...


checked(Order, order_id="1", amount=Decimal(1))  # E: wrong type

with order_paid.connected(lacks_it):  # E: lacks a keyword, in a block
    pass
with order_paid.connected(fits, contxt=True):  # E: misspelt option of a block
    pass
order_paid.connect(fits, replace="yes")  # E: no flag


# A receiver repeats a default, although it always gets the keyword: decision 52.


@signal
def counted(sender: str, *, n: int = 0) -> None: ...


def requires_n(sender: str, n: int) -> None: ...


def repeats_n(sender: str, n: int = 0) -> None: ...


counted.connect(requires_n)  # E: the default is left out
counted.connect(repeats_n)
