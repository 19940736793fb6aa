"""The place where a program connects a receiver to a sender."""

import sys
from typing import Any

import pytest

from clarion import Signal
from clarion.doctor.places import place_of_connect
from clarion.doctor.program import Program

SHOP = """
from functools import partial

from clarion import Signal, receiver

paid = Signal()
sent = Signal()
MAIL = "by mail"

class Order: ...
class Refund: ...

def mail(**kwargs): ...

class Mailer:
    def mail(self, **kwargs): ...

mailer = Mailer()
paid.connect(mail, sender=Order)
paid.connect(mail, Refund)
sent.connect(mail, sender=MAIL)
sent.connect(mailer.mail, sender="refund")
sent.connect(
    partial(mail, number=1),
    sender=Order,
)

@receiver(paid, sender=Refund)
@receiver(sent)
def stock(**kwargs): ...

def start():
    def local(**kwargs): ...

    paid.connect(local, sender=Order)
    sent.connect(local, sender=Order)
    return local
"""


@pytest.fixture
def place(plant):
    """Return a function that returns the place of a connect in a planted file, and the file."""
    name = f"{plant(['shop'], shop=SHOP)}.shop"
    shop: Any = sys.modules[name]

    def place(signal, receiver, sender):
        parts = receiver.split(".")
        found: Any = shop
        for part in parts:
            found = getattr(found, part)
        found = found() if receiver == "start" else found
        sender = getattr(shop, sender or "", sender)
        return place_of_connect(Program((name,)), getattr(shop, signal), found, sender)

    return place, shop.__file__


@pytest.mark.parametrize(
    ("signal", "receiver", "sender", "line"),
    [
        ("paid", "mail", "Order", 19),
        ("paid", "mail", "Refund", 20),
        ("sent", "mail", "by mail", 21),
        ("sent", "mailer.mail", "Refund", 22),
        ("paid", "stock", "Refund", 28),
        ("sent", "stock", None, 28),
        ("sent", "start", "Order", 36),
        ("sent", "mail", "another", 21),  # the only connect of the two
        ("paid", "mail", "another", 13),  # one of two: the receiver's own line
    ],
)
def test_the_place_of_a_connect(place, signal, receiver, sender, line):
    """It is the line of the receiver in the call, or of the first decorator; if unknown, that of the function."""
    found, file = place
    assert found(signal, receiver, sender) == (file, line)


def test_a_receiver_that_no_file_connects():
    """A receiver of another program has its own place, or none."""
    signal = Signal()
    assert place_of_connect(Program(), signal, print, None) is None
    found = place_of_connect(Program(), signal, test_a_receiver_that_no_file_connects, None)
    assert found is not None
    assert found[0] == __file__
