"""`connected` and `replace` of the model signals, whose listeners are attached late."""

import threading

import pytest
from sqlalchemy import create_engine

from clarion.errors import SenderError
from clarion.integrations.sqlalchemy import SignalSession, post_save, pre_save
from clarion.introspect import registrations
from tests.integrations.sqlalchemy.late import map_class, new_base
from tests.integrations.sqlalchemy.shop import Base, Order


def test_a_block_gets_the_sends_of_a_flush(engine):
    """A receiver of a block is called in the block only, with the changes that it requests."""
    heard = []

    def save(instance, changes, **kwargs):
        heard.append((instance.number, *changes))

    with SignalSession(engine) as session:
        with post_save.connected(save, sender=Order):
            session.add(Order(number="book"))
            session.flush()
        session.add(Order(number="pen"))
        session.flush()
    assert [item for item, *_ in heard] == ["book"]
    assert "number" in heard[0]
    assert registrations(post_save) == []


def test_one_context(tmp_path):
    """The flush of another thread does not call a receiver of one context."""
    heard = []
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    Base.metadata.create_all(engine)

    def add(item):
        with SignalSession(engine) as session:
            session.add(Order(number=item))
            session.flush()

    with pre_save.connected(
        lambda instance, **kwargs: heard.append(instance.number), Order, context=True
    ):
        thread = threading.Thread(target=add, args=("pen",))
        thread.start()
        thread.join()
        add("book")
    engine.dispose()
    assert heard == ["book"]


def test_a_class_that_is_mapped_in_the_block():
    """The block owns the registration that has moved to the class."""
    name = "MappedInTheBlock"
    with post_save.connected(lambda instance, **kwargs: "saved", sender=name):
        late = map_class(new_base(), name)
        assert [each.sender for each in registrations(post_save)] == [late]
    assert registrations(post_save) == []


def test_a_class_that_is_mapped_after_the_block():
    """If the class is mapped after the block, no receiver is connected to it."""
    with post_save.connected(lambda instance, **kwargs: "saved", sender="MappedLater"):
        pass
    map_class(new_base(), "MappedLater")
    assert registrations(post_save) == []


def test_replace_before_and_after_the_class_is_mapped():
    """The uid stays with the receiver that moves to the class, so `replace=True` finds it."""
    name = "Replaced"

    def connect(answer):
        @post_save.connect(sender=name, dispatch_uid="uid", replace=True)
        def save(instance, **kwargs):
            return answer

    connect(1)
    connect(2)
    late = map_class(new_base(), name)
    connect(3)
    (registration,) = registrations(post_save)
    assert registration.sender is late
    newest = registration.live()
    assert newest is not None
    assert newest(instance=None) == 3


def test_a_wrong_sender_is_refused():
    """Entering the block with a wrong sender is refused, as `connect` is."""
    with pytest.raises(SenderError), post_save.connected(lambda **kwargs: None, sender=3):
        pass
