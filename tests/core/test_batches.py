"""Deliveries that take the receivers of a send together."""

import asyncio
import gc

import pytest

from clarion import Signal, receiver
from clarion.testing import muted


class Together:
    """A batch that records the sends that it gets."""

    def __init__(self, error=None):
        self.sends = []
        self.error = error

    def send(self, signal, calls):
        """Record the send; the response of each receiver has its index."""
        self.sends.append((signal, [(each[1].__name__, each[2]) for each in calls]))
        if self.error is not None:
            raise self.error
        return [f"kept {place}" for place, _ in enumerate(calls)]

    async def asend(self, signal, calls):
        """Do the same in an `asend`."""
        return self.send(signal, calls)


class InBatch:
    """A delivery by a batch."""

    provides = ()

    def __init__(self, batch):
        self.batch = batch

    def bind(self, receiver, signal):
        """Return itself: it has no state of its own."""
        return self

    def awaits(self, signal, receiver, /, **arguments):
        """Return that nothing is awaited."""
        return False


class Paid(Signal):
    """A signal with two batches."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Together(), Together()
        self.kept: list[object] = []


@pytest.fixture
def order_paid():
    """Return a signal with receivers of two batches, and others between them."""
    signal = Paid()

    @receiver(signal, delivery=InBatch(signal.first))
    def mail(sender, **kwargs):
        pytest.fail("a batch calls nobody")

    @receiver(signal)
    def log(sender, **kwargs):
        return "logged"

    @receiver(signal, delivery=InBatch(signal.second))
    def ship(sender, **kwargs):
        pytest.fail("a batch calls nobody")

    @receiver(signal, delivery=InBatch(signal.first))
    async def bill(sender, **kwargs):
        pytest.fail("a batch calls nobody")

    signal.kept = [mail, log, ship, bill]
    return signal


def send(signal, name, **keywords):
    """Send by one of the four methods."""
    sent = getattr(signal, name)("web", **keywords)
    return asyncio.run(sent) if name.startswith("a") else sent


@pytest.mark.parametrize("name", ["send", "send_robust", "asend", "asend_robust"])
def test_each_batch_gets_its_receivers_at_once(order_paid, name):
    """Each batch is called once, and the responses are in the order of the receivers."""
    responses = send(order_paid, name, order_id=7)
    assert [(each.__name__, response) for each, response in responses] == [
        ("mail", "kept 0"),
        ("log", "logged"),
        ("ship", "kept 0"),
        ("bill", "kept 1"),
    ]
    assert [[each for each, _ in calls] for _, calls in order_paid.first.sends] == [
        ["mail", "bill"]
    ]
    (_, arguments) = order_paid.second.sends[0][1][0]
    assert arguments == {"signal": order_paid, "sender": "web", "order_id": 7}


@pytest.mark.parametrize("name", ["send", "asend"])
def test_a_send_that_raises_gives_nothing_to_a_batch(order_paid, name):
    """A send that raises calls no batch, because batches come last."""

    @receiver(order_paid)
    def fail(sender, **kwargs):
        raise LookupError("no such order")

    with pytest.raises(LookupError):
        send(order_paid, name)
    assert order_paid.first.sends == []


@pytest.mark.parametrize("name", ["send", "asend"])
def test_an_error_of_a_batch_ends_the_send(order_paid, name):
    """An error of a batch ends the send, with a note that names its first receiver."""
    order_paid.first.error = OSError("disk full")
    with pytest.raises(OSError, match="disk full") as raised:
        send(order_paid, name)
    assert "mail" in raised.value.__notes__[0]
    assert order_paid.second.sends == []


@pytest.mark.parametrize("name", ["send_robust", "asend_robust"])
def test_an_error_of_a_batch_is_the_response_of_each_receiver(order_paid, name, caplog):
    """A robust send logs the error for each receiver, and calls the other batches."""
    error = order_paid.first.error = OSError("disk full")
    responses = [response for _, response in send(order_paid, name)]
    assert responses == [error, "logged", "kept 0", error]
    assert [record.getMessage().split()[2].rpartition(".")[2] for record in caplog.records] == [
        "mail",
        "bill",
    ]


def test_a_muted_receiver_is_in_no_batch(order_paid):
    """A muted receiver is in no batch, because instruments choose receivers first."""
    mail = order_paid.kept[0]
    with muted(mail):
        send(order_paid, "send")
    assert [name for name, _ in order_paid.first.sends[0][1]] == ["bill"]


def test_a_batch_can_return_the_failures(order_paid, caplog):
    """With `send_robust`, the others keep their responses, and each failure is logged once."""

    class Apart(Together):
        def send_robust(self, signal, calls):
            return [ValueError("full") if place else "kept" for place, _ in enumerate(calls)]

        async def asend_robust(self, signal, calls):
            return self.send_robust(signal, calls)

    signal, batch = Signal(), InBatch(Apart(LookupError("never called")))
    for name in ("a", "b"):
        signal.connect(lambda **kwargs: None, dispatch_uid=name, delivery=batch)
    for responses in (signal.send_robust(None), asyncio.run(signal.asend_robust(None))):
        (_, kept), (_, failed) = responses
        assert kept == "kept"
        assert isinstance(failed, ValueError)
    assert len(caplog.records) == 2


@pytest.fixture
def single_batch():
    """Return a signal whose receivers all have one batch: it has a shorter path."""
    signal = Paid()

    @receiver(signal, delivery=InBatch(signal.first))
    def mail(sender, **kwargs):
        pytest.fail("a batch calls nobody")

    @receiver(signal, delivery=InBatch(signal.first))
    def ship(sender, **kwargs):
        pytest.fail("a batch calls nobody")

    signal.kept = [mail, ship]
    return signal


@pytest.mark.parametrize("name", ["send", "send_robust", "asend", "asend_robust"])
def test_one_batch_of_all_receivers_gets_the_send(single_batch, name):
    """A batch with all receivers gets the same calls, and its responses are theirs."""
    responses = send(single_batch, name, order_id=7)
    assert responses == list(zip(single_batch.kept, ["kept 0", "kept 1"], strict=True))
    arguments = {"signal": single_batch, "sender": "web", "order_id": 7}
    assert single_batch.first.sends == [
        (single_batch, [("mail", arguments), ("ship", arguments)]),
    ]


@pytest.mark.parametrize("name", ["send", "asend"])
def test_an_error_of_the_only_batch_ends_the_send(single_batch, name):
    """An error of the only batch ends the send, with a note that names its first receiver."""
    single_batch.first.error = OSError("disk full")
    with pytest.raises(OSError, match="disk full") as raised:
        send(single_batch, name)
    assert "mail" in raised.value.__notes__[0]


@pytest.mark.parametrize("name", ["send_robust", "asend_robust"])
def test_an_error_of_the_only_batch_is_the_response_of_each_receiver(single_batch, name, caplog):
    """A robust send logs the error of the only batch for each receiver."""
    error = single_batch.first.error = OSError("disk full")
    assert [response for _, response in send(single_batch, name)] == [error, error]
    assert len(caplog.records) == 2


def test_a_dead_receiver_is_not_in_the_only_batch():
    """A receiver that has died is not given to the only batch, which is not called without one."""
    signal = Paid()

    def mail(sender, **kwargs):
        """Do nothing."""

    signal.connect(mail, weak=True, delivery=InBatch(signal.first))
    assert len(signal.send("web")) == 1
    del mail
    gc.collect()
    assert signal.send("web") == []
    assert len(signal.first.sends) == 1
