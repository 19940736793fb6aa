"""`replace=True`: a receiver takes the place of the one with its `dispatch_uid`."""

import pytest

from clarion import Signal, receiver
from clarion.errors import ArgumentError, NotCallableError, SignatureError
from clarion.introspect import registrations
from clarion.testing import restored
from tests.core.receivers import Sender, answering, answering_async, answers


def test_a_cell_that_runs_twice(signal, send):
    """A notebook cell that runs twice replaces its function, at the same place."""
    signal.connect(answering("before"))
    for run in (1, 2, 3):

        @receiver(signal, dispatch_uid="cell", replace=True)
        def cell(run=run, **kwargs):
            return run

        if run == 1:
            signal.connect(answering("after"))
        assert answers(send(signal, None)) == (
            ["before", 1, "after"] if run == 1 else ["before", run, "after"]
        )
    assert len(registrations(signal)) == 3


def test_without_it_the_first_stays(signal):
    """Without replace the first receiver of a uid stays, as in Django."""
    signal.connect(answering(1), dispatch_uid="cell")
    signal.connect(answering(2), dispatch_uid="cell")
    assert answers(signal.send(None)) == [1]


def test_options_are_those_of_the_new_one(signal):
    """The new receiver's priority, kind and `once` count, also after a spent `once`."""
    signal.connect(answering("first"), dispatch_uid="a", priority=5)
    signal.connect(answering("second"))
    signal.connect(answering("new"), dispatch_uid="a", replace=True)
    assert answers(signal.send(None)) == ["new", "second"]
    signal.connect(answering("new"), dispatch_uid="a", replace=True, priority=-1)
    assert answers(signal.send(None)) == ["second", "new"]
    signal.connect(answering_async("async"), dispatch_uid="a", replace=True, once=True)
    assert answers(signal.send(None)) == ["second", "async"]
    assert answers(signal.send(None)) == ["second"]
    signal.connect(answering("again"), dispatch_uid="a", replace=True)
    assert answers(signal.send(None)) == ["second", "again"]


def test_it_replaces_for_its_sender_only(signal):
    """Only the receiver of the same sender is replaced: a uid belongs to a sender."""
    for sender in ("web", "till", None):
        signal.connect(answering("old"), sender, dispatch_uid="a")
    signal.connect(answering("new"), "web", dispatch_uid="a", replace=True)
    assert answers(signal.send("web")) == ["new", "old"]
    assert answers(signal.send("till")) == ["old", "old"]


def test_subclasses(signal):
    """A replacement with another `subclasses` changes the routes of subclasses."""

    class Child(Sender): ...

    signal.connect(answering("old"), Sender, dispatch_uid="a", subclasses=True)
    assert answers(signal.send(Child)) == ["old"]
    signal.connect(answering("new"), Sender, dispatch_uid="a", replace=True)
    assert signal.send(Child) == []
    assert answers(signal.send(Sender)) == ["new"]
    signal.connect(answering("newer"), Sender, dispatch_uid="a", replace=True, subclasses=True)
    assert answers(signal.send(Child)) == ["newer"]


def test_weak_receivers(signal):
    """The death of the replaced receiver leaves the new one connected."""
    old = answering("old")
    signal.connect(old, dispatch_uid="a", weak=True)
    signal.connect(answering("new"), dispatch_uid="a", replace=True)
    del old
    assert answers(signal.send(None)) == ["new"]


@pytest.mark.parametrize("uid", [None, ""])
def test_it_needs_a_uid(signal, uid):
    """replace=True without a uid is refused in `connect`, in decorators and in blocks."""
    for connect in (
        lambda: signal.connect(answering(1), dispatch_uid=uid, replace=True),
        lambda: signal.connect(dispatch_uid=uid, replace=True),
        lambda: receiver(signal, dispatch_uid=uid, replace=True)(answering(1)),
        lambda: signal.connected(answering(1), dispatch_uid=uid, replace=True).__enter__(),
    ):
        with pytest.raises(ArgumentError, match="without a dispatch_uid"):
            connect()
    assert not signal.has_listeners()


def test_a_refused_receiver_replaces_none(signal):
    """A refused receiver replaces nothing: the connected receiver stays."""
    signal.connect(answering("old"), dispatch_uid="a")
    for wrong, error in ((None, NotCallableError), (lambda: None, SignatureError)):
        with pytest.raises(error):
            signal.connect(wrong, dispatch_uid="a", replace=True)
    assert answers(signal.send(None)) == ["old"]


def test_one_refusal_among_several_signals(signal):
    """If one signal refuses, the signals before it get their receivers back, at their places."""

    class Strict(Signal):
        def connect(self, receiver=None, *args, **options):
            raise SignatureError("refused", receiver)

    signal.connect(answering("old"), dispatch_uid="a", priority=2)
    signal.connect(answering("other"))
    with pytest.raises(SignatureError):
        receiver([signal, Strict()], dispatch_uid="a", replace=True)(answering("new"))
    assert answers(signal.send(None)) == ["old", "other"]


def test_tests_undo_it(signal):
    """`restored` brings the replaced receiver back, at its place."""
    signal.connect(answering("old"), dispatch_uid="a")
    signal.connect(answering("other"))
    with restored():
        signal.connect(answering("new"), dispatch_uid="a", replace=True)
        assert answers(signal.send(None)) == ["new", "other"]
    assert answers(signal.send(None)) == ["old", "other"]
