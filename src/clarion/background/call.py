"""One call of one receiver for an engine, and its text, which a worker of the engine decodes."""

from __future__ import annotations

import json
from functools import lru_cache
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, NamedTuple

from clarion.envelope import Envelope, NewerVersionError
from clarion.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

FORMAT = 1
"""The version of the text in `Call.body`."""


class Call(NamedTuple):
    """One call of one receiver, for an engine to carry out.

    Attributes:
        receiver: the stable name of the receiver; a name for monitoring too.
        uid: identifies the send. Another call for the same receiver and uid is a duplicate.
        body: the argument of the carrier task, as text. `clarion.background.deliver` reads it.
        retries: how often it is tried again after a failure; None for the default of the engine.
        delay: how long the engine waits at least before the first attempt, in seconds.
        key: calls with the same key run in order, if the engine supports it; None without an order.
        options: the other options of the delivery, for the engine.
    """

    receiver: str
    uid: UUID
    body: str
    retries: int | None = None
    delay: float = 0.0
    key: str | None = None
    # Not a mappingproxy, because an engine may pickle or copy the call.
    options: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        # Without the body and the options, which may be secret.
        return f"<Call of {self.receiver}, uid {self.uid}>"


class Message(NamedTuple):
    """The content of a body.

    Attributes:
        receiver: the stable name of the receiver.
        retries: how often it is tried again after a failure; None for the default of the engine.
        envelope: the send.
    """

    receiver: str
    retries: int | None
    envelope: Envelope


def write_body(receiver: str, retries: int | None, envelope: Envelope) -> str:
    """Return the body of a call.

    Args:
        receiver: the stable name of the receiver.
        retries: how often it is tried again after a failure; None for the default of the engine.
        envelope: the send.
    """
    return _head(receiver, retries) + envelope.to_json()[1:]


@lru_cache(maxsize=1000)
def _head(receiver: str, retries: int | None) -> str:
    """Return what precedes the members of the envelope in a body."""
    number = "null" if retries is None else retries
    return f'{{"clarion":{FORMAT},"receiver":{quote(receiver)},"retries":{number},'


def read_body(body: str | bytes) -> Message:
    """Return the content of a body.

    Raises:
        DecodingError: if it is damaged.
        NewerVersionError: if a newer Clarion has written it.
    """
    try:
        parts: dict[str, Any] = json.loads(body)
        version, receiver, retries = parts["clarion"], parts["receiver"], parts["retries"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged() from None
    if type(version) is int and version > FORMAT:
        raise NewerVersionError(
            f"A background call has the format {version}, and this Clarion reads {FORMAT}. Upgrade "
            f"Clarion in the worker."
        )
    if type(receiver) is not str or type(retries) not in {int, type(None)}:
        raise _damaged()
    return Message(receiver, retries, Envelope.from_parts(parts))


def _damaged() -> DecodingError:
    return DecodingError(
        "The body of a background call is damaged. Compare the versions of Clarion of the sender and "
        "the worker, and discard it."
    )
