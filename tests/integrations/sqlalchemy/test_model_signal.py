"""Model signals are Clarion's signals: typed, explained, captured, muted, restored."""

import copy
import inspect
import pickle
from uuid import UUID

import pytest

from clarion import Signal, on_commit, receiver
from clarion.errors import ArgumentError, ConnectWarning, SenderError, SignatureError
from clarion.integrations.sqlalchemy import ModelSignal, model_signal, post_save, pre_save, signals
from clarion.introspect import explain
from clarion.testing import assert_sent, capture, muted, restored
from tests.integrations.sqlalchemy.shop import Animal, Cat, Dog, Machine, Order, Robot, Tag

# As Django 6.1 sends them, beside `signal` and `sender`.
KEYWORDS = {
    "class_prepared": set(),
    "pre_init": {"args", "kwargs"},
    "post_init": {"instance"},
    "pre_save": {"instance", "raw", "using", "update_fields"},
    "post_save": {"instance", "created", "update_fields", "raw", "using"},
    "pre_delete": {"instance", "using", "origin"},
    "post_delete": {"instance", "using", "origin"},
    "m2m_changed": {
        *("action", "instance", "reverse", "model"),
        *("pk_set", "using", "raw"),
    },
    "connection_created": {"connection"},
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_keywords_are_djangos(name):
    """The declared keywords are exactly Django's."""
    signal = getattr(signals, name)
    assert isinstance(signal, ModelSignal)
    assert isinstance(signal, Signal)
    assert signal.name == f"clarion.integrations.sqlalchemy.signals.{name}"
    assert {*inspect.signature(signal.__wrapped__).parameters} == {"sender", *KEYWORDS[name]}


@pytest.mark.parametrize("name", ["pre_save", "post_save"])
def test_the_checkers_know_about_changes(name):
    """The second signature for the checkers is the first one with `changes`."""
    declared = inspect.signature(getattr(signals, name).__wrapped__).parameters
    kept = inspect.signature(getattr(signals, f"_{name}_and_changes")).parameters
    assert [*kept.values()][:-1] == [*declared.values()]
    assert [*kept][-1] == "changes"


def test_receivers_are_checked():
    """A receiver that could not be called is refused at connect."""

    def misspelt(sender, instnace):
        pass

    with pytest.raises(SignatureError, match="Give it the parameters sender, instance, created"):
        post_save.connect(misspelt, sender=Order)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Did you mean 'sender'"):
        post_save.connect(lambda **kwargs: None, sendr=Order)  # type: ignore[call-overload]
    with pytest.raises(SenderError, match="is not a class"):
        post_save.connect(lambda **kwargs: None, sender=Order(number="1"), subclasses=True)


@pytest.mark.parametrize(("animal_class", "extra"), [(Dog, {"breed": "b"}), (Cat, {})])
def test_inheritance(session, recorded, animal_class, extra):
    """Joined or in a single table, a row sends one signal, by the exact class."""
    recorded.listen(post_save, sender=Animal)
    recorded.listen(pre_save, sender=Animal, subclasses=True)
    recorded.listen(post_save, sender=animal_class)
    name = animal_class.__name__
    animal = animal_class(name="n", **extra)
    session.add(animal)
    session.commit()
    assert recorded.names == [("pre_save", name), ("post_save", name)]
    animal.name = "m"
    session.commit()
    assert recorded[-1][2]["update_fields"] == {"name"}
    session.delete(animal)
    session.commit()


def test_concrete_inheritance(session, recorded):
    """A class with its own table sends, too."""
    recorded.listen(post_save, sender=Machine, subclasses=True)
    session.add_all([Machine(name="m"), Robot(name="r")])
    session.commit()
    assert recorded.names == [("post_save", "Machine"), ("post_save", "Robot")]


def test_fields_of_both_tables(session, recorded):
    """Changes in a joined table are among the fields."""
    dog = Dog(name="n", breed="b")
    session.add(dog)
    session.commit()
    session.refresh(dog)
    recorded.listen(post_save, sender=Dog)
    dog.name, dog.breed = "m", "c"
    session.commit()
    assert recorded.take()[0]["update_fields"] == {"name", "breed"}


def test_capture_needs_no_receiver(session):
    """A capture without receivers makes signals be sent, and asserts them."""
    with capture(post_save, pre_save) as sent:
        session.add(Order(number="1"))
        session.commit()
    assert_sent(sent, post_save, sender=Order, created=True, times=1)
    assert_sent(sent, pre_save, sender=Order, raw=False, times=1)


def test_capture_of_everything(session):
    """A capture without a signal records model signals too."""
    with capture() as sent:
        session.add(Tag(name="1"))
        session.commit()
    assert_sent(sent, post_save, sender=Tag, times=1)


def test_muted(session, recorded):
    """Signals and receivers can be muted, for one sender or for all."""
    recorded.listen(post_save)
    with muted(post_save, sender=Order):
        session.add_all([Order(number="1"), Tag(name="t")])
        session.commit()
    assert recorded.names == [("post_save", "Tag")]


def test_explained():
    """explain() lists the receivers that a save calls, and why it does not call others."""

    @receiver(post_save, sender=Animal)
    def base_only(**kwargs):
        pass

    @receiver(post_save, sender="Cat")
    def cats(**kwargs):
        pass

    explanation = explain(post_save, Cat)
    assert [each.reason for each in explanation.heard] == ["listens to this sender"]
    assert "without subclasses=True" in explanation.unheard[0].reason


def test_restored(session, recorded):
    """After `restored` the block's connections are gone, and disconnected receivers are back."""
    recorded.listen(post_save, sender=Tag)
    with restored():
        recorded.listen(pre_save, sender=Tag)
    session.add(Tag(name="t"))
    session.commit()
    assert recorded.names == [("post_save", "Tag")]


def test_priorities_and_once(session):
    """Clarion's options `priority` and `once` apply to model signals."""
    called = []

    @receiver(post_save, sender=Tag)
    def later(**kwargs):
        called.append("later")

    @receiver(post_save, sender=Tag, priority=1, once=True)
    def first(**kwargs):
        called.append("first")

    for name in "ab":
        session.add(Tag(name=name))
        session.commit()
    assert called == ["first", "later", "later"]


def test_receiver_of_a_list_is_disconnected_if_one_refuses():
    """If one signal of a list refuses a receiver, it is disconnected from all, by text, too."""
    declared = Signal(name="plain")
    with pytest.raises(SignatureError):

        @receiver([post_save, declared], sender="Order")
        def narrow(sender, instance, created, update_fields, raw, using):
            pass

    assert not post_save.has_listeners(Order)


def test_a_copy_of_a_model_signal_has_the_same_receivers():
    """A copy has the same receivers, those whose class is not mapped yet, too."""

    def mine(**kwargs):
        return "mine"

    post_save.connect(mine, sender="NotMappedYet")
    try:
        for duplicate in (copy.copy, copy.deepcopy):
            copied = duplicate(post_save)
            assert type(copied) is type(post_save)
            assert copied in model_signal._unresolved
            assert copied.disconnect(mine, sender="NotMappedYet")
            assert not copied.disconnect(mine, sender="NotMappedYet")
        assert pickle.loads(pickle.dumps(post_save)) is post_save  # noqa: S301
    finally:
        assert post_save.disconnect(mine, sender="NotMappedYet")


def test_a_second_connect_with_other_options():
    """It changes nothing and gives a warning, also if text names the class the second time."""

    def mail(sender, instance, **kwargs):
        pass

    with restored():
        post_save.connect(mail, sender=Order, dispatch_uid="mail")
        post_save.connect(mail, sender="Order", dispatch_uid="mail")
        with pytest.warns(ConnectWarning, match="another delivery, which stays") as caught:
            post_save.connect(mail, sender="Order", dispatch_uid="mail", delivery=on_commit)
        assert [each.filename for each in caught] == [__file__]


@pytest.mark.parametrize("value", [UUID(int=1), 5, (Order,)], ids=str)
def test_a_value_is_no_sender(value):
    """A sender that is no class is refused, because a session sends classes only."""
    with pytest.raises(SenderError, match=r"is not a class\. Give the class"):
        post_save.connect(lambda **kwargs: None, sender=value)
