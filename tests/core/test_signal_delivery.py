"""The option `delivery` of `connect`."""

import pytest

from clarion.errors import (
    ArgumentError,
    NotCallableError,
    SignatureError,
)
from tests.core.deliveries import Later
from tests.core.receivers import (
    echo,
)


def is_clean(signal):
    """Tell whether nothing is left of any registration."""
    table = signal._table
    return (
        not signal.has_listeners()
        and table.registrations() == []
        and not table.buckets
        and not table.dead
    )


class TestDelivery:
    """connect(delivery=...), whatever the delivery is."""

    def test_it_is_bound_to_the_receiver(self, signal):
        """Once, at connect, and to the signal; the registration knows the result."""
        bound = []

        class Delivery(Later):
            def bind(self, receiver, signal):
                bound.append((receiver, signal))
                return self

        delivery = Delivery()
        signal.connect(echo, delivery=delivery)
        assert bound == [(echo, signal)]
        (registration,) = signal._table.registrations()
        assert registration.delivery is delivery
        assert not registration.is_simple
        assert not registration.is_simple_async

    def test_one_that_binds_to_nothing_is_none(self, signal):
        """Then the send calls the receiver, as without."""

        class Nothing(Later):
            def bind(self, receiver, signal):
                return None

        signal.connect(echo, delivery=Nothing())
        (registration,) = signal._table.registrations()
        assert registration.delivery is None
        assert registration.is_simple

    @pytest.mark.parametrize("delivery", ["on_commit", 1, True, object()])
    def test_what_is_no_delivery_is_refused(self, signal, delivery):
        """With the cure, and nothing is connected."""
        with pytest.raises(ArgumentError, match=r"is not a delivery. Give one, such as") as caught:
            signal.connect(echo, delivery=delivery)
        assert caught.value.names == ("delivery",)
        assert is_clean(signal)

    def test_what_bind_raises_is_what_connect_raises(self, signal):
        """And nothing is connected."""

        class Refusing(Later):
            def bind(self, receiver, signal):
                raise ArgumentError("not this one")

        with pytest.raises(ArgumentError, match="not this one"):
            signal.connect(echo, delivery=Refusing())
        assert is_clean(signal)

    @pytest.mark.parametrize("receiver", ["hear", None, 3])
    def test_a_receiver_that_is_none_is_refused_first(self, signal, receiver):
        """A delivery is never bound to what cannot be called."""
        later = Later()
        with pytest.raises(NotCallableError):
            signal.connect(receiver, delivery=later)

    def test_it_does_not_excuse_a_receiver_without_kwargs(self, signal):
        """A plain signal may be sent with anything, now or later."""
        with pytest.raises(SignatureError):
            signal.connect(lambda sender: None, delivery=Later(provides=("sender",)))

    def test_connecting_again_changes_nothing(self, signal):
        """The first registration stays, with its delivery or without."""
        signal.connect(echo)
        signal.connect(echo, delivery=Later())
        (registration,) = signal._table.registrations()
        assert registration.delivery is None

    def test_it_counts_as_a_listener(self, signal):
        """Senders who ask first are told to send."""
        signal.connect(echo, delivery=Later())
        assert signal.has_listeners()
