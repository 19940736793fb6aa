"""The names by which another process finds a receiver."""

import sys
from functools import partial
from types import ModuleType

import pytest

from clarion.envelope.receiver_names import check_name, stable_name
from clarion.errors import ArgumentError, SignatureError


def receive(sender, **kwargs):
    """Receive nothing."""


class Receiver:
    """A class with a receiver."""

    def method(self, sender, **kwargs):
        """Receive nothing."""

    @staticmethod
    def static(sender, **kwargs):
        """Receive nothing."""

    def __call__(self, sender, **kwargs):
        """Receive nothing."""


def test_a_function_of_a_module_has_a_name():
    """Also one in the body of a class."""
    assert stable_name(receive) == f"{__name__}:receive"
    assert stable_name(Receiver.static) == f"{__name__}:Receiver.static"


@pytest.mark.parametrize(
    ("receiver", "reason"),
    [
        (lambda sender, **kwargs: None, "is a lambda"),
        (partial(receive), "is a partial"),
        (Receiver().method, "is a bound method"),
        (Receiver(), "is no function"),
    ],
)
def test_others_need_a_given_name(receiver, reason):
    """The message says why, and what to do."""
    with pytest.raises(SignatureError, match=rf"{reason}, so .* name='\.\.\.'"):
        stable_name(receiver)
    assert stable_name(receiver, "shop.receive") == "shop.receive"


def test_a_function_inside_a_function_needs_a_given_name():
    """Another process has another one."""

    def inner(sender, **kwargs): ...

    with pytest.raises(SignatureError, match="is defined inside a function"):
        stable_name(inner)


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("/srv/shop.py", "shop:receive"),
        (None, "is defined in a main module without a file, such as a shell's"),
        ("my-shop.py", "is defined in the main module 'my-shop', which no import can name"),
    ],
)
def test_a_function_of_the_main_module(monkeypatch, file, found):
    """It has the name that an import gives it. Without such a name, it needs a given one."""
    main = ModuleType("__main__")
    if file is not None:
        main.__file__ = file
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec("def receive(sender, **kwargs): ...", vars(main))  # noqa: S102
    receive = vars(main)["receive"]
    if ":" in found:
        assert stable_name(receive) == found
        return
    with pytest.raises(SignatureError, match=f"{found}, so another process cannot find it"):
        stable_name(receive)


@pytest.mark.parametrize("name", ["", " ", 5, b"name", "n" * 201])
def test_a_name_is_text_of_a_limited_length(name):
    """It is stored in a column."""
    with pytest.raises(ArgumentError):
        check_name(name)


@pytest.mark.parametrize("name", ["mail ", " mail", "mail\n", "ma\0il", "ma\ud800il"])
def test_a_name_that_a_database_would_change_is_refused(name):
    """PostgreSQL stores no NUL, and MariaDB compares names without the spaces at their end."""
    with pytest.raises(ArgumentError, match="begins or ends with a space, or has a character"):
        check_name(name)
    assert check_name("send mail 😀") == "send mail 😀"
