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
    is_empty,
)


class TestDelivery:
    """connect(delivery=...) with any delivery."""

    def test_it_is_bound_to_the_receiver(self, signal):
        """connect binds the delivery once, and the registration has the result."""
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

    def test_a_delivery_may_bind_to_none(self, signal):
        """A delivery that binds to None lets the send call the receiver."""

        class Nothing(Later):
            def bind(self, receiver, signal):
                return None

        signal.connect(echo, delivery=Nothing())
        (registration,) = signal._table.registrations()
        assert registration.delivery is None
        assert registration.is_simple

    @pytest.mark.parametrize("delivery", ["on_commit", 1, True, object()])
    def test_another_object_is_refused(self, signal, delivery):
        """An object that is not a delivery is refused, and nothing is connected."""
        with pytest.raises(ArgumentError, match=r"is not a delivery. Give one, such as") as caught:
            signal.connect(echo, delivery=delivery)
        assert caught.value.names == ("delivery",)
        assert is_empty(signal)

    def test_connect_raises_the_error_of_bind(self, signal):
        """connect raises the error of bind, and connects nothing."""

        class Refusing(Later):
            def bind(self, receiver, signal):
                raise ArgumentError("not this one")

        with pytest.raises(ArgumentError, match="not this one"):
            signal.connect(echo, delivery=Refusing())
        assert is_empty(signal)

    @pytest.mark.parametrize("receiver", ["hear", None, 3])
    def test_an_uncallable_receiver_is_refused_first(self, signal, receiver):
        """A receiver that is not callable is refused before the delivery is bound."""
        later = Later()
        with pytest.raises(NotCallableError):
            signal.connect(receiver, delivery=later)

    def test_a_receiver_needs_kwargs_with_a_delivery(self, signal):
        """A receiver without **kwargs is refused with a delivery too."""
        with pytest.raises(SignatureError):
            signal.connect(lambda sender: None, delivery=Later(provides=("sender",)))

    def test_connecting_again_with_a_delivery_is_refused(self, signal):
        """The first registration stays, without the delivery, so the second one is refused."""
        signal.connect(echo)
        with pytest.raises(ArgumentError, match="already connected to this signal with another"):
            signal.connect(echo, delivery=Later())
        (registration,) = signal._table.registrations()
        assert registration.delivery is None

    def test_it_counts_as_a_listener(self, signal):
        """has_listeners counts a receiver with a delivery."""
        signal.connect(echo, delivery=Later())
        assert signal.has_listeners()
