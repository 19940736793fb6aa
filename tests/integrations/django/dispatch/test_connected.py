"""`connected` and `replace` of Django's signals."""

import threading

import pytest
from django.db.models.signals import ModelSignal, post_save
from django.dispatch import Signal, receiver

from clarion import on_commit
from clarion.errors import ArgumentError
from clarion.introspect import explain
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author


@pytest.fixture
def signal():
    return Signal()


def first(**kwargs):
    return "first"


def second(**kwargs):
    return "second"


def answers(responses):
    return [response for _, response in responses]


def in_thread(function):
    returned = []
    thread = threading.Thread(target=lambda: returned.append(function()))
    thread.start()
    thread.join()
    return returned[0]


def test_a_block_of_a_plain_signal(signal):
    """A `connected` block holds a lambda, although Django holds receivers weakly."""
    signal.connect(first)
    with signal.connected(lambda **kwargs: "lambda") as held, signal.connected(first):
        assert answers(signal.send(None)) == ["first", "lambda"]
        assert signal.has_listeners()
        assert len(signal.receivers) == 3
    assert answers(signal.send(None)) == ["first"]
    assert held() == "lambda"


@pytest.mark.parametrize("sender", [Author, "library.Author"])
def test_a_block_of_a_model_signal(db, sender):
    """The sender of a `connected` block may be a model or the name of one."""
    saved = []

    def save(instance, **kwargs):
        saved.append(instance.name)

    with post_save.connected(save, sender=sender):
        Author.objects.create(name="Ada")
        assert "connected for a block" in str(explain(post_save, Author))
    Author.objects.create(name="Grace")
    assert saved == ["Ada"]
    assert not any(each[1] is save for each in post_save.receivers)


def test_a_lazy_sender_that_is_loaded_after_the_block():
    """If the model is loaded after the block, the receiver is not connected to it."""
    lines = programs.run(
        """
        from clarion.integrations.django import install
        install()
        from django.db.models.signals import post_save

        def save(**kwargs):
            print("called")

        with post_save.connected(save, sender="auth.User"):
            print("in the block")
        django.setup()
        from django.contrib.auth.models import User
        print(post_save.has_listeners(User), post_save.send(User))
        """
    )
    assert lines == ["in the block", "False []"]


def test_a_lazy_sender_that_is_loaded_in_the_block():
    """If the model is loaded in the block, the receiver is connected until the block ends."""
    lines = programs.run(
        """
        from clarion.integrations.django import install
        install()
        from django.db.models.signals import post_save

        def save(**kwargs):
            return "called"

        with post_save.connected(save, sender="auth.User"):
            django.setup()
            from django.contrib.auth.models import User
            print([response for _, response in post_save.send(User)])
        print(post_save.send(User))
        """
    )
    assert lines == ["['called']", "[]"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_one_context(signal, monkeypatch, wrapped):
    """Other threads do not call a receiver of one context, even if a package wraps `_live_receivers`."""
    if wrapped:
        live = Signal._live_receivers

        def wrapper(self, sender):
            return live(self, sender)

        monkeypatch.setattr(Signal, "_live_receivers", wrapper)
    signal.connect(second)
    with signal.connected(first, context=True):
        assert answers(signal.send(None)) == ["second", "first"]
        assert answers(in_thread(lambda: signal.send(None))) == ["second"]
        signal.disconnect(second)
        assert in_thread(signal.has_listeners) is False
    assert signal.send(None) == []


def test_the_list_of_receivers_brings_no_block_back(signal):
    """A list of receivers that is saved in a block and restored later does not connect the block's."""
    with signal.connected(first):
        saved = list(signal.receivers)
    signal.receivers = saved
    assert signal.send(None) == []


def test_deliveries(transactional_db, signal):
    """A receiver runs at the commit, even if its block has ended before."""
    from django.db import transaction

    called = []
    with transaction.atomic():
        with post_save.connected(
            lambda **kw: called.append(kw["instance"].name), delivery=on_commit
        ):
            Author.objects.create(name="Ada")
        Author.objects.create(name="Grace")
        assert called == []
    assert called == ["Ada"]


def test_replace():
    """`replace=True` works through Django's own decorator, with a lazy sender, too."""
    signal = ModelSignal()
    for answer in ("old", "new"):

        @receiver(signal, sender="library.Author", dispatch_uid="uid", replace=True, weak=False)
        def receive(answer=answer, **kwargs):
            return answer

        signal.connect(first, sender=Author)
    assert answers(signal.send(Author)) == ["new", "first"]
    with pytest.raises(ArgumentError, match="without a dispatch_uid"):
        signal.connect(first, replace=True)


def test_uninstall_leaves_blocks_out():
    """uninstall() does not connect a receiver of a block to Django's own dispatcher."""
    lines = programs.run(
        """
        from clarion.integrations.django import install, uninstall
        install()
        from django.dispatch import Signal

        def save(**kwargs):
            return "called"

        signal = Signal()
        with signal.connected(save):
            uninstall()
        print(signal.send(None))
        """
    )
    assert lines == ["[]"]
