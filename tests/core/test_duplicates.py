"""A connect that changes nothing is reported if it asks for something else."""

import warnings
from contextlib import contextmanager
from types import ModuleType

import pytest

from clarion import on_commit
from clarion.errors import ArgumentError, ConnectWarning
from tests.core.receivers import Listener, answering, echo, echo_value


@contextmanager
def silent():
    """Turn every warning into an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


CHANGED = [
    ({}, {"priority": 5}, "priority"),
    ({"priority": 5}, {}, "priority"),
    ({}, {"once": True}, "once"),
    ({}, {"inline": True}, "inline"),
    ({"weak": True}, {"weak": False}, "weak"),
    ({"delivery": on_commit}, {"delivery": on_commit(using="shop")}, "delivery"),
    ({}, {"priority": 1, "inline": True}, "priority and inline"),
]


@pytest.mark.parametrize("uid", [None, "mail"])
@pytest.mark.parametrize(("first", "second", "named"), CHANGED, ids=str)
def test_other_options(signal, first, second, named, uid):
    """The warning names the options that stay as they are, at the line of the program."""
    signal.connect(echo, dispatch_uid=uid, **first)
    with pytest.warns(ConnectWarning, match=f"another {named}, which stays") as caught:
        signal.connect(echo, dispatch_uid=uid, **second)
    assert [each.filename for each in caught] == [__file__]
    (registration,) = signal._table.registrations()
    assert registration.priority == first.get("priority", 0)


def test_another_kind_of_delivery(signal):
    """Without a uid it is refused. With one it gives a warning, as Django accepts it."""
    signal.connect(echo)
    with pytest.raises(ArgumentError, match="with another delivery, which would stay"):
        signal.connect(echo, delivery=on_commit)
    signal.connect(echo, dispatch_uid="mail")
    with pytest.warns(ConnectWarning, match="another delivery, which stays. Give replace=True"):
        signal.connect(echo, dispatch_uid="mail", delivery=on_commit)


@pytest.mark.parametrize("second", [echo, echo_value, Listener().method], ids=str)
def test_another_receiver_of_a_uid(signal, second):
    """The warning names both receivers."""
    signal.connect(answering(1), dispatch_uid="mail")
    with pytest.warns(ConnectWarning, match=r"is not connected, .*answering.*'mail'.*replace=True"):
        signal.connect(second, dispatch_uid="mail")
    assert len(signal._table.registrations()) == 1


def test_a_method_of_another_object(signal):
    """Two objects of one class cannot share a uid."""
    first, second = Listener(), Listener()
    signal.connect(first.method, dispatch_uid="mail")
    with silent():
        signal.connect(first.method, dispatch_uid="mail")
    with pytest.warns(ConnectWarning, match="is not connected"):
        signal.connect(second.method, dispatch_uid="mail")
    del first
    with silent():
        signal.connect(second.method, dispatch_uid="mail")


def test_no_secret_in_the_message(signal):
    """A uid that is no name is named by its type."""
    signal.connect(echo, dispatch_uid="hunter2://secret")
    with pytest.warns(ConnectWarning, match=r"has the dispatch_uid \(a str\)"):
        signal.connect(echo_value, dispatch_uid="hunter2://secret")


def module_of(path):
    """Return a new module from a file."""
    module = ModuleType("shop_receivers")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))  # noqa: S102
    return module


def test_a_module_that_is_imported_twice(signal, tmp_path):
    """Its function is another object with the same code, which a uid is for."""
    path = tmp_path / "shop_receivers.py"
    path.write_text("def mail(**kwargs): pass\n")
    first, second = module_of(path), module_of(path)
    signal.connect(first.mail, dispatch_uid="mail")
    assert first.mail is not second.mail
    with silent():
        signal.connect(second.mail, dispatch_uid="mail")
    path.write_text("def mail(**kwargs): return 'changed'\n")
    with pytest.warns(ConnectWarning, match="is not connected"):
        signal.connect(module_of(path).mail, dispatch_uid="mail")


def test_what_is_the_same_is_silent(signal):
    """The same connect, an option that is written twice, a replacement and a block give no warning."""
    with silent():
        for _ in range(2):
            signal.connect(echo, priority=5, delivery=on_commit(using="shop"), once=False)
            signal.connect(echo, sender="web", dispatch_uid="mail")
        signal.connect(echo_value, sender="web", dispatch_uid="mail", replace=True, priority=3)
        with signal.connected(echo, priority=7):
            pass


def test_a_receiver_that_was_called_once(signal):
    """A receiver that was called can be connected with other options."""
    signal.connect(echo, once=True)
    signal.send(None)
    with silent():
        signal.connect(echo, priority=5)


def test_held_weakly_the_second_time(signal):
    """A receiver that is held strongly cannot die, so a second connect that is weak loses nothing."""
    with silent():
        signal.connect(echo, weak=False)
        signal.connect(echo, weak=True)
