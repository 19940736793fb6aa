"""EngineDelivery: what `connect` refuses, and its options."""

import logging

import pytest

from clarion import Signal, durable, signal
from clarion.background import EngineDelivery
from clarion.errors import ArgumentError, ConnectWarning, SignatureError
from clarion.introspect import explain, registrations
from tests.background.recorder import Recorder


def mail(sender, **kwargs):
    """Send a mail."""


@pytest.fixture
def delivery(recorder):
    """Return a delivery to the recorder."""
    return EngineDelivery(recorder)


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.delivery.order_paid")


def test_options_go_to_the_engine_verbatim(delivery, recorder, order_paid):
    """The engine gets the options that are not ours, the receiver's name and the uid."""
    queue = object()
    order_paid.connect(mail, delivery=delivery(queue=queue)(retries=5, delay=60, name="shop.mail"))
    ((_, response),) = order_paid.send(None, order_id=7)
    (call,) = recorder.calls
    assert call.options == {"queue": queue}
    assert (call.receiver, call.retries, call.delay) == ("shop.mail", 5, 60)
    assert call.uid == response.uid
    assert '"retries":5' in call.body


def test_no_retries_leave_the_choice_to_the_engine(delivery, recorder, order_paid):
    """Without `retries`, the call that the engine gets has None."""
    order_paid.connect(mail, delivery=delivery)
    order_paid.send(None)
    assert recorder.calls[0].retries is None
    assert recorder.calls[0].receiver == f"{__name__}:mail"


def test_unnamed_receivers_are_refused(delivery, order_paid):
    """A receiver that another process cannot find is refused, as by `durable`."""
    with pytest.raises(SignatureError, match=r"name='\.\.\.'"):
        order_paid.connect(lambda sender, **kwargs: None, delivery=delivery)


def test_the_engine_refuses_options(recorder, order_paid):
    """An option that the engine does not know is refused at connect."""

    class Strict(Recorder):
        def check(self, options):
            raise ArgumentError("No such option.", options.engine)

    with pytest.raises(ArgumentError, match="No such option"):
        order_paid.connect(mail, delivery=EngineDelivery(Strict())(queu="mail"))
    assert not registrations(order_paid)


def test_a_key_needs_an_engine_that_keeps_order(delivery, recorder, order_paid):
    """A key is refused at connect, with the reason, unless the engine keeps the order."""
    with pytest.raises(ArgumentError, match="the recorder does not keep the order"):
        order_paid.connect(mail, delivery=delivery(key="order_id"))
    recorder.keeps_order = True
    order_paid.connect(mail, delivery=delivery(key="order_id"))
    order_paid.send(None, order_id=7)
    assert recorder.calls[0].key == "7"


def test_a_key_must_be_declared(delivery, recorder):
    """A key that a declared signal does not have is refused."""
    recorder.keeps_order = True

    pytest.importorskip("msgspec")

    @signal
    def order_sent(sender: object, *, order_id: int) -> None:
        """Declare a signal."""

    with pytest.raises(ArgumentError, match="order_uid"):
        order_sent.connect(mail, delivery=delivery(key="order_uid"))


@pytest.mark.parametrize("hold", [0, -1, None, "5", float("inf"), True])
def test_a_bad_hold_is_refused(recorder, hold):
    """A `hold` that is no number of seconds is refused."""
    with pytest.raises(ArgumentError, match="hold="):
        EngineDelivery(recorder, hold=hold)


def test_positional_arguments_are_refused(delivery):
    """A receiver in place of options is refused with the way to connect it."""
    with pytest.raises(ArgumentError, match="delivery=\\.\\.\\."):
        delivery(mail)


def test_losses_are_logged_once(delivery, recorder, order_paid, caplog):
    """What the engine loses is logged at the first send, once for each engine."""
    recorder.said = ["It loses calls. Set safe=True."]
    order_paid.connect(mail, delivery=delivery)
    order_paid.connect(mail, delivery=delivery(name="again"), dispatch_uid=2)
    with caplog.at_level(logging.WARNING, "clarion.background"):
        order_paid.send(None)
        order_paid.send(None)
    assert [each.message for each in caplog.records] == recorder.said


def test_explain_names_the_engine(delivery, order_paid):
    """`explain` says when which engine gets the call."""
    order_paid.connect(mail, delivery=delivery)
    assert "runs in the recorder, at once" in str(explain(order_paid))


def test_reprs(delivery, order_paid):
    """A repr shows our options, and of the engine's only the names."""
    changed = delivery(queue="secret", retries=2, aliases=["old"])
    assert repr(changed) == "EngineDelivery('the recorder', aliases=['old'], retries=2, queue=...)"
    order_paid.connect(mail, delivery=delivery(name="mail"))
    bound = registrations(order_paid)[0].delivery
    assert repr(bound) == "<BoundEngine mail by EngineDelivery('the recorder', name='mail')>"


@pytest.mark.parametrize(
    "made", [lambda given: given, lambda given: durable(via=given)], ids=["itself", "via"]
)
def test_a_second_delivery_with_other_values_is_reported(delivery, order_paid, made):
    """The first one stays. The values are not shown, because they may be secret."""
    order_paid.connect(mail, delivery=made(delivery(queue="mail", on_end=object())))
    order_paid.connect(mail, delivery=made(delivery(queue="mail", on_end=object())))
    with pytest.warns(ConnectWarning, match="with another delivery, which stays") as caught:
        order_paid.connect(mail, delivery=made(delivery(queue="books", on_end=object())))
    assert "books" not in str(caught[0].message)


def test_a_class_is_no_delivery_to_hand_over_to():
    """`durable(via=...)` refuses the class itself at once."""
    with pytest.raises(ArgumentError, match="Give a delivery to an engine"):
        durable(via=EngineDelivery)
