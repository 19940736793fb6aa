"""The notes on an error name the receiver and the signal."""

import asyncio
from dataclasses import dataclass

import pytest

from clarion._core.notes import add_part_note, add_receiver_note
from tests.core.receivers import answering, raising, raising_async


def notes_of(error):
    """Return the notes on an exception, without the places of receivers."""
    return [note.partition(" (")[0] for note in getattr(error, "__notes__", [])]


def test_a_note_names_signal_receiver_and_place(make, strict_send):
    """The note names the signal and the receiver, with its file and line."""
    signal = make(name="shop.paid")

    def thank(**kwargs):
        raise ValueError("no address")

    signal.connect(thank)
    with pytest.raises(ValueError, match="no address") as raised:
        strict_send(signal)
    (note,) = raised.value.__notes__
    line = thank.__code__.co_firstlineno
    assert thank.__qualname__ in note
    assert f"({__file__}:{line})" in note
    assert note.endswith("of signal shop.paid.")


def test_async_receivers_have_the_note(make, strict_send):
    """The error of an async receiver has the note, alone or in a group."""
    signal = make(name="shop.paid")
    signal.connect(raising_async(ValueError("one")))
    signal.connect(raising_async(ValueError("two")), sender="web")
    with pytest.raises(ValueError, match="one") as raised:
        strict_send(signal)
    assert len(raised.value.__notes__) == 1
    with pytest.raises(ExceptionGroup) as group:
        strict_send(signal, "web")
    assert [len(error.__notes__) for error in group.value.exceptions] == [1, 1]


def test_a_part_of_a_delivery_is_named_instead(make):
    """An error of the part has one note, which names the part and the receiver."""
    signal, error = make(name="shop.paid"), ValueError("no")
    add_part_note(error, signal, notes_of, "the key")
    add_receiver_note(error, signal, notes_of)
    assert notes_of(error) == ["Raised by the key of receiver tests.core.test_notes.notes_of"]
    add_receiver_note(error, make(name="outer"), notes_of)
    assert len(error.__notes__) == 2


def test_a_part_whose_error_accepts_no_note(make):
    """An error that refuses the note is left without one, and nothing is raised."""

    class FrozenError(ValueError):
        def add_note(self, note):
            raise TypeError("frozen")

    error = FrozenError()
    add_part_note(error, make(name="shop.paid"), notes_of, "the key")
    assert not hasattr(error, "__notes__")


def test_nested_sends_add_a_note_each(make):
    """An error that passes several sends has a note for each, innermost first."""
    outer, inner = make(name="outer"), make(name="inner")

    def pass_on(sender, **kwargs):
        inner.send(sender)

    outer.connect(pass_on)
    inner.connect(raising(ValueError("deep")))
    with pytest.raises(ValueError, match="deep") as raised:
        outer.send(None)
    first, second = raised.value.__notes__
    assert "of signal inner." in first
    assert "of signal outer." in second
    assert "pass_on" in second


def test_nested_asends_add_a_note_each(make):
    """An error that passes several async sends has a note for each."""
    outer, inner = make(name="outer"), make(name="inner")

    async def pass_on(sender, **kwargs):
        await inner.asend(sender)

    outer.connect(pass_on)
    inner.connect(raising(ValueError("deep")))
    with pytest.raises(ValueError, match="deep") as raised:
        asyncio.run(outer.asend(None))
    assert [note.rpartition(" ")[2] for note in raised.value.__notes__] == ["inner.", "outer."]


def test_a_note_is_not_repeated(make):
    """An exception object that is raised repeatedly has one note per receiver."""
    signal = make(name="shop.paid")
    signal.connect(raising(ValueError("the only one")))
    for _ in range(3):
        with pytest.raises(ValueError, match="the only one") as raised:
            signal.send(None)
    assert len(raised.value.__notes__) == 1


def test_a_recursion_names_the_cycle(make):
    """An endless recursion raises a RecursionError that names the cycle once."""
    entry, first, second = make(name="entry"), make(name="first"), make(name="second")
    entry.connect(lambda sender, **kwargs: first.send(sender))
    first.connect(lambda sender, **kwargs: second.send(sender))
    second.connect(lambda sender, **kwargs: first.send(sender))
    with pytest.raises(RecursionError) as raised:
        entry.send(None)
    rounds = [note for note in raised.value.__notes__ if "endlessly" in note]
    assert len(rounds) == 1
    assert any(
        circle in rounds[0] for circle in ("first -> second -> first", "second -> first -> second")
    )
    assert "entry" not in rounds[0]
    assert len(raised.value.__notes__) == 4  # one note per receiver, and one for the cycle


def test_the_cycle_is_named_once(make):
    """Signals that were sent twice before the cycle do not make another cycle."""
    entry, again, circle = make(name="entry"), make(name="again"), make(name="circle")
    depth = []

    def twice(sender, **kwargs):
        depth.append(1)
        (again if len(depth) < 4 else circle).send(sender)

    entry.connect(lambda sender, **kwargs: again.send(sender))
    again.connect(twice)
    circle.connect(lambda sender, **kwargs: circle.send(sender))
    with pytest.raises(RecursionError) as raised:
        entry.send(None)
    rounds = [note for note in raised.value.__notes__ if "endlessly" in note]
    assert rounds == [
        "These signals send each other endlessly: circle -> circle. Break the cycle in one receiver."
    ]


def test_a_signal_that_sends_itself_is_a_cycle(make):
    """A signal that sends itself is a cycle."""
    signal = make(name="self")
    signal.connect(lambda sender, **kwargs: signal.send(sender))
    with pytest.raises(RecursionError) as raised:
        signal.send(None)
    assert "self -> self" in raised.value.__notes__[-1]


def test_a_recursion_without_a_send_is_no_cycle(make):
    """A receiver that recurses without a send gets an ordinary note."""

    def forever(**kwargs):
        return forever(**kwargs)

    signal = make(name="strong_receivers")
    signal.connect(forever)
    with pytest.raises(RecursionError) as raised:
        signal.send(None)
    assert not any("go round" in note for note in raised.value.__notes__)


def test_an_error_without_notes_is_raised(signal, strict_send):
    """An exception that takes no note is raised without one."""

    @dataclass(frozen=True)
    class FrozenError(Exception):
        code: int

    signal.connect(raising(FrozenError(7)))
    with pytest.raises(FrozenError) as raised:
        strict_send(signal)
    assert raised.value.code == 7


def test_an_object_that_cannot_be_named_does_not_hide_its_error(signal):
    """The error of a receiver whose attributes raise is not lost."""

    class Unnameable:
        def __getattr__(self, name):
            if name == "__qualname__" and fails:
                raise LookupError(name)
            raise AttributeError(name)

        def __call__(self, **kwargs):
            raise ValueError("the real one")

    fails = False
    signal.connect(Unnameable())
    fails = True
    with pytest.raises(ValueError, match="the real one"):
        signal.send(None)
    fails = False


def test_an_interrupt_has_no_note(signal, send):
    """KeyboardInterrupt is raised without a note."""
    signal.connect(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt) as raised:
        send(signal)
    assert not hasattr(raised.value, "__notes__")


def test_the_exception_is_never_wrapped(signal, strict_send):
    """The caller gets the exception object that the receiver raised."""
    error = ValueError("mine")
    signal.connect(answering(1))
    signal.connect(raising(error))
    with pytest.raises(ValueError, match="mine") as raised:
        strict_send(signal)
    assert raised.value is error
