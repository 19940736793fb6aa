"""The stored receivers of a program, by name."""

import functools
import gc
from typing import Any

import pytest

from clarion import Signal, durable
from clarion.errors import ArgumentError, SignatureError
from clarion.outbox import receivers
from clarion.outbox.receivers import connected_receivers, stored_receivers

order_paid = Signal(name="shop.order_paid")
order_sent = Signal(name="shop.order_sent")
find_receiver: Any = receivers.find_receiver


@pytest.fixture(autouse=True)
def _no_receivers():
    """Disconnect what a test has connected."""
    yield
    for signal in (order_paid, order_sent):
        for each in list(stored_receivers()):
            if each.signal is signal and (registration := each.registration()) is not None:
                signal.disconnect(registration.live())


def mail(sender, **kwargs):
    """Send a mail."""


def ship(sender, **kwargs):
    """Send a parcel."""


def test_a_receiver_is_found_by_its_name():
    """A receiver is found by its module and qualified name, and its signal."""
    order_paid.connect(mail, delivery=durable)
    found = find_receiver(f"{__name__}:mail", "shop.order_paid")
    assert found.registration().live() is mail
    assert find_receiver(f"{__name__}:mail", "shop.order_sent") is None
    assert find_receiver("another", "shop.order_paid") is None


def test_a_receiver_is_found_by_its_aliases():
    """Rows from before a rename find the receiver by its alias."""
    order_paid.connect(mail, delivery=durable(name="mail", aliases=["post", "letter"]))
    names = ["mail", "post", "letter"]
    assert {find_receiver(name, "shop.order_paid").name for name in names} == {"mail"}
    assert set(connected_receivers()) >= set(names)


def test_one_function_receives_several_signals():
    """A function of several signals is found by the signal that its row names."""
    for signal in (order_paid, order_sent):
        signal.connect(mail, delivery=durable)
    name = f"{__name__}:mail"
    assert find_receiver(name, "shop.order_paid").signal is order_paid
    assert find_receiver(name, "shop.order_sent").signal is order_sent


def test_a_disconnected_receiver_is_not_found():
    """A disconnected receiver is not found, so its rows wait."""
    order_paid.connect(mail, delivery=durable)
    order_paid.disconnect(mail)
    assert find_receiver(f"{__name__}:mail", "shop.order_paid") is None


def test_two_receivers_of_a_signal_need_two_names():
    """Two receivers of a signal need two names: a worker could call the wrong one."""
    order_paid.connect(mail, delivery=durable(name="mail"))
    with pytest.raises(ArgumentError, match="name="):
        order_paid.connect(ship, delivery=durable(name="mail"))
    with pytest.raises(ArgumentError, match="name="):
        order_paid.connect(ship, delivery=durable(name="ship", aliases=["mail"]))
    assert not any(each.name == "ship" for each in stored_receivers() if each.registration())


def test_a_function_may_be_connected_for_several_senders():
    """A function that is connected for two senders is one stored receiver."""
    for sender in ("web", "shop"):
        order_paid.connect(mail, sender=sender, delivery=durable)
    assert find_receiver(f"{__name__}:mail", "shop.order_paid") is not None
    order_paid.disconnect(mail, sender="web")
    assert find_receiver(f"{__name__}:mail", "shop.order_paid") is not None
    order_paid.disconnect(mail, sender="shop")


class Service:
    """A class with a method."""

    def mail(self, sender, **kwargs):
        """Send a mail."""


@pytest.mark.parametrize(
    "receiver", [lambda sender, **kwargs: None, Service().mail], ids=["lambda", "method"]
)
def test_a_receiver_without_a_stable_name_is_refused(receiver):
    """A receiver without a stable name is refused, and the cure is name=."""
    with pytest.raises(SignatureError, match="name='"):
        order_paid.connect(receiver, delivery=durable)


def test_a_method_with_a_name_is_held_weakly():
    """A bound method is held weakly; once its object is freed, its rows wait."""
    service = Service()
    order_paid.connect(service.mail, delivery=durable(name="mail"))
    assert find_receiver("mail", "shop.order_paid") is not None
    del service
    gc.collect()
    assert find_receiver("mail", "shop.order_paid") is None


def test_a_freed_signal_is_forgotten():
    """A stored receiver keeps neither its receiver nor its signal alive."""
    signal = Signal(name="shop.lost")
    signal.connect(mail, delivery=durable(name="lost"))
    del signal
    gc.collect()
    assert not any(each.name == "lost" for each in stored_receivers())


def made(number):
    """Return a function with a variable of this one."""

    def receive(sender, **kwargs):
        return number

    return receive


def test_two_functions_of_the_same_name_need_two_names():
    """Two methods, closures or lambdas may have the same code, and a worker would call only one."""
    first, second = Service(), Service()
    pairs = [
        (first.mail, second.mail),
        (made(1), made(2)),
        (lambda sender, **kwargs: 1, lambda sender, **kwargs: 2),
        (functools.partial(ship, n=1), functools.partial(ship, n=2)),
    ]
    for one, other in pairs:
        order_paid.connect(one, delivery=durable(name="mail"))
        with pytest.raises(ArgumentError, match=r"same stored name.*replace=True"):
            order_paid.connect(other, delivery=durable(name="mail"))
        order_paid.disconnect(one)


def test_one_object_may_be_connected_for_several_senders():
    """A method, a partial or an object is the same receiver for each sender."""
    service = Service()
    for receiver in (service.mail, functools.partial(ship, n=1), Called()):
        for sender in ("web", "shop"):
            order_paid.connect(receiver, sender=sender, delivery=durable(name="mail"))
        assert len(connected_receivers()["mail"]) == 2
        for sender in ("web", "shop"):
            order_paid.disconnect(receiver, sender=sender)


class Called:
    """A class whose objects are receivers."""

    def __call__(self, sender, **kwargs):
        """Receive a send."""


def loaded():
    """Return a function as a module that is loaded again makes it anew."""

    def receive(sender, **kwargs):
        """Receive a send."""

    return receive


def test_the_latest_function_of_a_module_is_called():
    """A module may be loaded again; a worker then calls the new function."""
    before, again = loaded(), loaded()
    for each in (before, again):
        order_paid.connect(each, delivery=durable(name="mail"))
    assert find_receiver("mail", "shop.order_paid").registration().live() is again
    latest: Any = connected_receivers()["mail"][0].registration()
    assert latest.live() is again
    order_paid.disconnect(again)
    assert find_receiver("mail", "shop.order_paid").registration().live() is before


@pytest.mark.parametrize("uid", ["mail", None])
def test_a_receiver_with_a_uid_can_be_replaced(uid):
    """As in a notebook, whose cell was changed and runs again."""

    def connect(text):
        made: dict[str, Any] = {}
        exec(text, made)  # noqa: S102  # as a notebook does
        order_paid.connect(
            made["receive"],
            dispatch_uid=uid,
            replace=uid is not None,
            delivery=durable(name="mail"),
        )
        return made["receive"]

    connect("def receive(sender, **kwargs): return 1")
    changed = "\n\ndef receive(sender, **kwargs): return 2"
    if uid is None:
        with pytest.raises(ArgumentError, match="same stored name"):
            connect(changed)
        return
    second = connect(changed)
    assert find_receiver("mail", "shop.order_paid").registration().live() is second
    order_paid.disconnect(dispatch_uid=uid)
