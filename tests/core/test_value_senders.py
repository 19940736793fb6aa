"""A sender that equal objects do not match gives a warning."""

import datetime as dt
import decimal
import enum
import pathlib
import uuid
import warnings
from collections import namedtuple
from dataclasses import dataclass
from unittest import mock

import pytest

import clarion
from clarion.errors import SenderWarning
from tests.core.receivers import Listener, Sender, echo


@dataclass(frozen=True)
class Shop:
    """A value."""

    name: str = "corner"


class Kind(enum.Enum):
    """Each member exists once."""

    WEB = 1


class Code(enum.StrEnum):
    """Its members are text."""

    WEB = "web"


Point = namedtuple("Point", "x y")  # noqa: PYI024
VALUES = [
    uuid.UUID(int=1),
    dt.date(2026, 1, 1),
    dt.timedelta(1),
    decimal.Decimal(1),
    pathlib.PurePath("shop"),
    1.5,
    Point(1, 2),
    Shop(),
    list[int],
    Listener().method,
]
OBJECTS = [
    Sender,
    Sender(),
    Kind.WEB,
    Code.WEB,
    "web",
    b"web",
    5,
    True,
    echo,
    pytest,
    mock.MagicMock(),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_gives_a_warning(signal, send, value):
    """It names the type of the sender and the cure, and the object itself matches."""
    with pytest.warns(
        SenderWarning, match=r"matches by identity.* str\(sender\), to a class"
    ) as caught:
        signal.connect(echo, sender=value)
    assert [each.filename for each in caught] == [__file__]
    assert "2026" not in str(caught[0].message)
    assert len(send(signal, value)) == 1


@pytest.mark.parametrize("sender", OBJECTS, ids=lambda sender: type(sender).__name__)
def test_other_senders_give_none(signal, sender):
    """Objects that exist once, and text, bytes and integers, match as the program expects."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signal.connect(echo, sender=sender)


def test_through_the_decorator(signal):
    """The warning of `receiver` and of a block points at the program, too."""
    with pytest.warns(SenderWarning) as caught:
        clarion.receiver(signal, sender=Shop())(echo)
        with signal.connected(echo, sender=Shop()):
            pass
    assert {each.filename for each in caught} == {__file__}


def test_an_error_connects_nothing(signal):
    """With -W error, `connect` raises before it has changed the signal."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SenderWarning):
            signal.connect(echo, sender=Shop())
    assert not signal.has_listeners(Shop())
    assert not signal._table.registrations()
