"""No message, log record, note or repr contains a value of the program."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from clarion import Signal, on_commit, receiver, signal
from clarion.changes import Changes
from clarion.commit import atomic
from clarion.errors import ClarionError
from clarion.introspect import explain, registrations
from clarion.testing import assert_sent, capture, muted

PASSWORD = "hunter2:/@"
URL = f"postgresql://ada:{PASSWORD}@db/shop"


@dataclass
class Settings:
    """An object whose text is secret, and which is unhashable as a dataclass is."""

    db_password: str = PASSWORD

    def __str__(self):
        return self.db_password


class Hashable(Settings):
    """A hashable object whose text is secret."""

    __hash__ = object.__hash__


SECRETS = {
    "object": Settings(),
    "key": Hashable(),
    "text": PASSWORD,
    "URL": URL,
    "bytes": PASSWORD.encode(),
    "list": [PASSWORD],
    "tuple": (Settings(),),
}

sent_signal = Signal()


@signal
def declared(sender: object, *, order_id: int) -> None:
    """Declare a signature."""


def listener(**kwargs):
    """Do nothing."""


def failing(**kwargs):
    """Raise an error without a value."""
    raise LookupError


def connect(**options):
    """Connect the receiver with these options, then send and disconnect."""
    sent_signal.connect(listener, **options)
    sent_signal.send(options.get("sender"), code=1)
    sent_signal.disconnect(listener, options.get("sender"), options.get("dispatch_uid"))


def coalesce_by(value):
    """Merge calls by a key."""
    plain = Signal()
    plain.connect(listener, delivery=on_commit(coalesce=lambda **_: value))
    plain.send(None)
    plain.connect(listener, delivery=on_commit(coalesce="key"))
    plain.send(None, key=value)


def fail_by(value):
    """Send with each method to a receiver that fails."""
    plain = Signal()
    plain.connect(failing, sender=value if hash(value) else None, dispatch_uid="a")
    plain.connect(failing, delivery=on_commit, dispatch_uid="b")
    plain.send_robust(value, card=value)
    asyncio.run(plain.asend_robust(value, card=value))
    with atomic():
        plain.send_robust(value, card=value)
    plain.send(value, card=value)


# Each function gets a secret, and accepts or refuses it.
CALLS = {
    "receiver": sent_signal.connect,
    "sender": lambda value: connect(sender=value),
    "subclasses": lambda value: connect(sender=value, subclasses=True),
    "priority": lambda value: connect(priority=value),
    "dispatch_uid": lambda value: connect(dispatch_uid=value),
    "delivery": lambda value: connect(delivery=value),
    "unknown argument": lambda value: connect(password=value),
    "coalesce": lambda value: connect(delivery=on_commit(coalesce=value)),
    "coalesce of a declared signal": lambda value: declared.connect(
        listener, delivery=on_commit(coalesce=value)
    ),
    "coalesce by a list": lambda value: connect(delivery=on_commit(coalesce=[value])),
    "coalesced value": coalesce_by,
    "using": lambda value: connect(delivery=on_commit(using=value)),
    "sent using": lambda value: sent_signal.send(None, using=value),
    "send of a declared signal": lambda value: declared.send(value, order=value),  # type: ignore[call-arg]
    "robust send of a declared signal": lambda value: declared.send_robust(None, order_id=value),
    "@receiver": lambda value: receiver(value)(listener),
    "@receiver of several": lambda value: receiver([sent_signal, value])(listener),
    "@signal": signal,
    "atomic": lambda value: atomic(value).__enter__(),
    "explain": explain,
    "registrations": registrations,
    "capture": capture,
    "muted": muted,
    "assert_sent": lambda value: assert_sent(value, sent_signal),
    "a failure": fail_by,
}


def texts_of(error):
    """Yield all texts of an exception and of those in its chain."""
    while error is not None:
        if isinstance(error, ClarionError):
            yield str(error)
        yield from getattr(error, "__notes__", ())
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_message_has_the_value(call, value, caplog, recwarn):
    """A message names a refused value by its type."""
    caplog.set_level(logging.DEBUG)
    texts = []
    try:
        call(value)
    except Exception as error:  # noqa: BLE001
        texts += texts_of(error)
    sent_signal.disconnect(listener)
    texts += [record.getMessage() for record in caplog.records]
    texts += [str(warning.message) for warning in recwarn]
    assert not [text for text in texts if PASSWORD in text]


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS)
def test_no_repr_has_the_value(value):
    """The repr of our objects names the program's objects without their values."""
    plain = Signal()
    key = value if isinstance(value, (str, bytes, Hashable)) else None
    shown: list[Any] = [
        on_commit(coalesce=value),
        on_commit(using=value),
        on_commit(coalesce=[value]),
    ]
    shown.append(Changes({"password": (value, value)}))
    plain.connect(listener, sender=key, dispatch_uid=key)
    plain.connect(listener, delivery=on_commit, dispatch_uid="later")
    with atomic():
        shown += [response for _, response in plain.send(value, card=value)]
        shown += [plain, *registrations(plain), str(explain(plain, value, card=value))]
    with contextlib.suppress(ClarionError):
        shown += explain(declared, value, card=value).heard
    assert not [each for each in shown if PASSWORD in f"{each!r} {each}"]


def test_an_unhashable_sender_has_no_value():
    """The sender in the message is named by its class."""
    with pytest.raises(ClarionError) as caught:
        sent_signal.connect(listener, sender=Settings())
    assert str(caught.value).startswith(
        f"The sender (an object of {__name__}.Settings) is unhashable"
    )
