"""Model signals are Clarion's signals: typed, explained, captured, muted, undone."""

import inspect

import pytest

from clarion import Signal, receiver
from clarion.errors import ArgumentError, SenderError, SignatureError
from clarion.integrations.sqlalchemy import ModelSignal, post_save, pre_save, signals
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
    """No more and no fewer, and they are declared."""
    signal = getattr(signals, name)
    assert isinstance(signal, ModelSignal)
    assert isinstance(signal, Signal)
    assert signal.name == f"clarion.integrations.sqlalchemy.signals.{name}"
    assert {*inspect.signature(signal.__wrapped__).parameters} == {"sender", *KEYWORDS[name]}


@pytest.mark.parametrize("name", ["pre_save", "post_save"])
def test_the_checkers_know_what_else_may_be_asked_for(name):
    """Their second signature is the first, and the changes."""
    declared = inspect.signature(getattr(signals, name).__wrapped__).parameters
    asked = inspect.signature(getattr(signals, f"_{name}_and_changes")).parameters
    assert [*asked.values()][:-1] == [*declared.values()]
    assert [*asked][-1] == "changes"


def test_receivers_are_checked():
    """One that could not be called is refused when it is connected."""

    def misspelt(sender, instnace):
        pass

    with pytest.raises(SignatureError, match="Give it the parameters sender, instance, created"):
        post_save.connect(misspelt, sender=Order)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Did you mean 'sender'"):
        post_save.connect(lambda **kwargs: None, sendr=Order)  # type: ignore[call-overload]
    with pytest.raises(SenderError, match="is not a class"):
        post_save.connect(lambda **kwargs: None, sender=Order(number="1"), subclasses=True)


@pytest.mark.parametrize(("animal_class", "extra"), [(Dog, {"breed": "b"}), (Cat, {})])
def test_inheritance(session, heard, animal_class, extra):
    """Joined or in a single table: one signal, by the exact class."""
    heard.listen(post_save, sender=Animal)
    heard.listen(pre_save, sender=Animal, subclasses=True)
    heard.listen(post_save, sender=animal_class)
    name = animal_class.__name__
    animal = animal_class(name="n", **extra)
    session.add(animal)
    session.commit()
    assert heard.names == [("pre_save", name), ("post_save", name)]
    animal.name = "m"
    session.commit()
    assert heard[-1][2]["update_fields"] == {"name"}
    session.delete(animal)
    session.commit()


def test_concrete_inheritance(session, heard):
    """A table of its own is no other case."""
    heard.listen(post_save, sender=Machine, subclasses=True)
    session.add_all([Machine(name="m"), Robot(name="r")])
    session.commit()
    assert heard.names == [("post_save", "Machine"), ("post_save", "Robot")]


def test_fields_of_both_tables(session, heard):
    """What changes in a joined table is told with the rest."""
    dog = Dog(name="n", breed="b")
    session.add(dog)
    session.commit()
    session.refresh(dog)
    heard.listen(post_save, sender=Dog)
    dog.name, dog.breed = "m", "c"
    session.commit()
    assert heard.take()[0]["update_fields"] == {"name", "breed"}


def test_capture_needs_no_receiver(session):
    """What is sent is seen, asserted, and answers are there."""
    with capture(post_save, pre_save) as sent:
        session.add(Order(number="1"))
        session.commit()
    assert_sent(sent, post_save, sender=Order, created=True, times=1)
    assert_sent(sent, pre_save, sender=Order, raw=False, times=1)


def test_capture_of_everything(session):
    """Without a signal, too."""
    with capture() as sent:
        session.add(Tag(name="1"))
        session.commit()
    assert_sent(sent, post_save, sender=Tag, times=1)


def test_muted(session, heard):
    """Signals, and receivers, of one sender or of all."""
    heard.listen(post_save)
    with muted(post_save, sender=Order):
        session.add_all([Order(number="1"), Tag(name="t")])
        session.commit()
    assert heard.names == [("post_save", "Tag")]


def test_explained():
    """Who would hear a save, and why others would not."""

    @receiver(post_save, sender=Animal)
    def base_only(**kwargs):
        pass

    @receiver(post_save, sender="Cat")
    def cats(**kwargs):
        pass

    explanation = explain(post_save, Cat)
    assert [each.reason for each in explanation.heard] == ["listens to this sender"]
    assert "without subclasses=True" in explanation.unheard[0].reason


def test_undone(session, heard):
    """What a block connected is gone after it, and what it disconnected is back."""
    heard.listen(post_save, sender=Tag)
    with restored():
        heard.listen(pre_save, sender=Tag)
    session.add(Tag(name="t"))
    session.commit()
    assert heard.names == [("post_save", "Tag")]


def test_priorities_and_once(session):
    """What Clarion adds to connect works here."""
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


def test_receiver_of_a_list_is_taken_back_if_one_refuses():
    """Connected by text, disconnected by text."""
    declared = Signal(name="plain")
    with pytest.raises(SignatureError):

        @receiver([post_save, declared], sender="Order")
        def narrow(sender, instance, created, update_fields, raw, using):
            pass

    assert not post_save.has_listeners(Order)
