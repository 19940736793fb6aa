"""Receivers that Django accepts, and whose code no send runs, give a warning."""

import functools
import warnings

import pytest
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver

from clarion.errors import ReceiverWarning, SignatureError
from tests.integrations.django.library.models import Author


def iterated(sender, **kwargs):
    """Do nothing, once."""
    yield


@functools.cache
def cached(sender, **kwargs):
    """Run once for the same arguments."""


class Mailer:
    """A class with a method."""

    def note(self, sender, **kwargs):
        """Do nothing."""


UNUSABLE = {
    "generator": (iterated, "is a generator function"),
    "cache": (cached, "has a cache"),
    "method": (Mailer.note, "is a method without its object"),
    "class": (Author, "is a class, .* write connect\\(receiver, sender="),
}


@pytest.mark.parametrize(("given", "reason"), UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize("weak", [True, False])
def test_a_receiver_that_no_send_runs(given, reason, weak):
    """The receiver is connected with one warning, at the line of the program."""
    signal = Signal()
    with pytest.warns(ReceiverWarning, match=reason) as caught:
        signal.connect(given, weak=weak)
    assert [each.filename for each in caught] == [__file__]
    assert signal.has_listeners()


def test_decorators():
    """A decorator of Django gives the warning, too, and a model as the receiver."""
    signal = Signal()
    with pytest.warns(ReceiverWarning) as caught:
        receiver(signal)(iterated)
    with pytest.warns(ReceiverWarning) as again:
        post_save.connect(Author)
    post_save.disconnect(Author)
    assert [each.filename for each in [*caught, *again]] == [__file__, __file__]


def test_under_debug(settings):
    """Under DEBUG, a generator function is refused, without a warning before."""
    settings.DEBUG = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SignatureError, match="is a generator function"):
            Signal().connect(iterated, weak=False)


def test_other_receivers(settings):
    """Other receivers give no warning: a function, a method, a class for sends, a callable object."""

    class Handler:
        def __init__(self, sender=None, **kwargs): ...

        def __call__(self, **kwargs): ...

    handler, mailer = Handler(), Mailer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in (lambda **kwargs: None, mailer.note, Handler, handler):
            Signal().connect(each)
