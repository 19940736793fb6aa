"""The methods of Django's `Signal` keep Django's behaviour."""

import asyncio
import logging
import threading
from functools import partial

import pytest
from django.db.models.signals import ModelSignal, post_save
from django.dispatch import Signal, receiver

from clarion import on_commit
from clarion.errors import ArgumentError, ConnectWarning, SenderError, SenderWarning
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author


@pytest.fixture
def signal():
    return Signal()


def no_keywords(sender):
    return "called"


def test_django_has_the_methods_too():
    """Each method replaces one of Django's, except for `connected` and those for copies."""
    lines = programs.run(
        """
        from django.dispatch import Signal
        from clarion.integrations.django import install, uninstall
        before = {*vars(Signal)}
        install()
        print(*sorted({*vars(Signal)} - before))
        uninstall()
        print({*vars(Signal)} == before)
        """
    )
    # `receivers` is in place of the attribute of each signal.
    assert lines == ["__copy__ __deepcopy__ __reduce_ex__ connected receivers", "True"]


def test_without_debug_nothing_is_checked(signal):
    """A receiver that cannot be called is connected, and fails at the send, as in Django."""
    signal.connect(no_keywords)
    with pytest.raises(TypeError):
        signal.send(sender=None)
    signal.connect(object(), weak=False, priority=1)
    with pytest.raises(TypeError, match="not callable"):
        signal.send(sender=None)


def test_under_debug_receivers_are_checked(signal, settings):
    """Under DEBUG Django's two checks raise, with Django's words and with what to do."""
    settings.DEBUG = True
    with pytest.raises(ValueError, match=r"must accept keyword arguments \(\*\*kwargs\)\. Add"):
        signal.connect(no_keywords)
    with pytest.raises(TypeError, match=r"Signal receivers must be callable\."):
        signal.connect(object())
    assert signal.receivers == []


@pytest.mark.parametrize("own", [Signal(), post_save], ids=["own", "model"])
def test_under_debug_a_required_position_is_refused(own, settings):
    """A required positional parameter is refused; the message does not ask for the **kwargs it has."""
    settings.DEBUG = True

    def receive(sender, /, **kwargs):
        """Receive."""

    def optional(sender=None, /, **kwargs):
        """Receive."""

    with pytest.raises(ValueError, match="Remove the `/` from its parameters") as caught:
        own.connect(receive)
    assert "kwargs" not in str(caught.value)
    with pytest.raises(ValueError, match="Remove the `/`"):
        own.connect(Positional().receive)
    own.connect(optional)
    assert own.disconnect(optional)


class Positional:
    def receive(self, sender, /, **kwargs):
        """Receive."""


def test_clarions_arguments_are_checked(signal):
    """A misspelt argument is refused, and subclasses=True with a sender that is no class."""
    with pytest.raises(ArgumentError, match="Did you mean 'priority'"):
        signal.connect(no_keywords, prioity=3)
    with pytest.raises(SenderError):
        signal.connect(no_keywords, sender="text", subclasses=True)


def test_an_unhashable_sender_is_known_by_identity(signal):
    """An unhashable sender is accepted, because Django does not hash a sender."""
    sender: list[int] = []

    def receive(**kwargs):
        return "received"

    with pytest.warns(UserWarning, match="Connect the receiver once for each sender"):
        signal.connect(receive, sender=sender)
    assert signal.send(sender) == [(receive, "received")]
    assert signal.send([]) == []
    assert signal.disconnect(receive, sender=sender)


def test_nothing_can_be_disconnected(signal):
    """disconnect() without a receiver returns False."""
    assert signal.disconnect() is False


def test_failures_are_logged_to_djangos_logger(signal, caplog):
    """send_robust logs as Django does, also for receivers without a name."""

    def fails(**kwargs):
        raise ValueError("this")

    bound = partial(fails)
    signal.connect(fails)
    signal.connect(bound)
    with caplog.at_level(logging.ERROR, "django.dispatch"):
        found = signal.send_robust(sender=None)
    assert [type(response) for _, response in found] == [ValueError, ValueError]
    first, second = caplog.messages
    assert first.endswith("fails in Signal.send_robust() (this)")
    assert second.startswith("Error calling partial(")


def test_sync_receivers_in_asend_share_djangos_thread(signal):
    """Sync receivers of asend run in the thread that a thread-sensitive sync_to_async uses."""
    from asgiref.sync import sync_to_async

    def receive(**kwargs):
        return threading.get_ident()

    signal.connect(receive)

    async def send():
        [(_, thread)] = await signal.asend(sender=None)
        return thread, await sync_to_async(threading.get_ident)()

    here, there = asyncio.run(send())
    assert here == there


def test_async_receivers_in_send_may_use_sync_to_async(signal):
    """send() awaits through asgiref, so a thread-sensitive call inside does not deadlock."""
    from asgiref.sync import sync_to_async

    async def receive(**kwargs):
        return await sync_to_async(lambda: "hopped")()

    signal.connect(receive)
    assert signal.send(sender=None) == [(receive, "hopped")]
    assert asyncio.run(sync_to_async(lambda: signal.send(sender=None))()) == [(receive, "hopped")]


def test_a_lazy_sender_waits_for_its_model():
    """Django resolves "app.Model", at once if the model is loaded."""
    own = ModelSignal(use_caching=True)

    @receiver(own, sender="library.Author", priority=2)
    def receive(**kwargs):
        return "received"

    assert own.send(Author) == [(receive, "received")]
    with pytest.warns(SenderWarning, match="no app has such a model"):
        own.connect(receive, sender="library.NotYet", once=True)
    own.disconnect(receive, sender="library.Author")
    assert own.send(Author) == []
    own.connect(receive, sender=Author)
    assert own.disconnect(receive, sender=Author)


def test_a_keyword_named_signal_is_refused():
    """A keyword `signal` is refused with TypeError, as in Django."""
    with pytest.raises(TypeError):
        post_save.send(sender=None, signal=1)


def test_a_receiver_may_raise_stop_iteration(signal):
    """In asend a sync receiver that raises StopIteration fails; Django's own asend hangs."""

    def exhausts(**kwargs):
        next(iter(()))

    signal.connect(exhausts)
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(signal.asend(sender=None))


def test_a_builtin_method_can_be_connected(signal):
    """A built-in method, which has an object but no function, can be connected, as in Django."""
    found: dict[str, object] = {}
    update = found.update
    signal.connect(update)
    signal.send(sender=None, n=3)
    assert found["n"] == 3


def test_djangos_checks_name_a_pending_connect():
    """manage.py check names the signal whose sender is a model that does not exist."""
    lines = programs.run(
        """
        from django.core.checks import run_checks
        from django.db.models.signals import post_save
        from clarion.integrations.django import install

        install()

        def receive(**kwargs): ...

        post_save.connect(receive, sender="auth.Nobody")
        django.setup()
        print(*[found.id for found in run_checks() if "nobody" in found.msg.lower()])
        """
    )
    assert lines == ["signals.E001"]


def test_connect_is_a_decorator(signal):
    """`connect` works as a decorator, returns the receiver, and takes all options."""

    @signal.connect(sender="text", priority=3, weak=False)
    def receive(**kwargs):
        return "received"

    assert receive() == "received"
    assert signal.connect(receive) is receive
    assert signal.send("text") == [(receive, "received"), (receive, "received")]


def test_sends_are_logged(caplog, db):
    """Sends are logged under the signal's name, except Django's own ones without receivers."""

    def save(**kwargs):
        pass

    post_save.connect(save, sender=Author)
    with caplog.at_level(logging.DEBUG, "clarion.signal"):
        Author.objects.create(name="hunter2")
    (record,) = caplog.records
    assert record.name == "clarion.signal.django.db.models.signals.post_save"
    assert record.filename == "base.py"  # Django's Model.save_base
    assert "hunter2" not in record.getMessage()


def test_a_second_connect_with_other_options():
    """Django ignores it, and Clarion warns; the same connect again is silent."""
    signal = Signal()
    signal.connect(no_keywords, dispatch_uid="mail")
    signal.connect(no_keywords, dispatch_uid="mail")
    with pytest.warns(
        ConnectWarning, match="another delivery, which stays. Give replace=True"
    ) as caught:
        signal.connect(no_keywords, dispatch_uid="mail", delivery=on_commit)
    assert [each.filename for each in caught] == [__file__]
    with pytest.warns(ConnectWarning, match="another priority, which stays"):
        receiver(signal, dispatch_uid="mail", priority=5)(no_keywords)
    signal.connect(no_keywords)
    with pytest.warns(ConnectWarning, match="another weak, which stays"):
        signal.connect(no_keywords, weak=False)
