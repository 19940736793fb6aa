"""The envelope: one send as data that can be stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from clarion._core.names import signal_name
from clarion.envelope import plain
from clarion.envelope.codec import codec_of
from clarion.envelope.context import current_headers
from clarion.envelope.main_module import stored_signal_name
from clarion.envelope.uid import new_uid
from clarion.errors import DecodingError, EncodingError

if TYPE_CHECKING:
    from clarion._core.signal import Signal
    from clarion.envelope.codec import Codec


class Envelope(NamedTuple):
    """One send, as it is stored or handed to an engine.

    Attributes:
        uid: identifies the send. All receivers and all attempts of the send have the same uid.
        signal: the name of the signal.
        version: the version of its payload.
        created_at: when it was sent, in UTC.
        payload: the sender and the keywords, as `Codec.dump` returns them.
        headers: the carried context variables, and the trace.
    """

    uid: UUID
    signal: str
    version: int
    created_at: datetime
    payload: bytes
    headers: dict[str, Any]

    def __repr__(self) -> str:
        # Without the payload and the headers, which may be secret.
        return f"<Envelope of {self.signal}, uid {self.uid}>"

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Envelope:
        """Return the envelope from its decoded text; other members are ignored.

        Raises:
            DecodingError: if they are damaged.
        """
        try:
            return cls(
                UUID(parts["uid"]),
                str(parts["signal"]),
                int(parts["version"]),
                datetime.fromisoformat(parts["created_at"]).astimezone(UTC),
                parts["payload"].encode(),
                dict(parts["headers"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise _damaged() from None

    def to_json(self) -> str:
        """Return the envelope as text, for an engine."""
        # By hand: this is a large part of the time of a send.
        headers = plain.encode(self.headers) if self.headers else "{}"
        return (
            f'{{"uid":"{self.uid.int:032x}","signal":{quote(self.signal)},"version":{self.version},'
            f'"created_at":"{self.created_at.isoformat()}",'
            f'"payload":{quote(self.payload.decode())},"headers":{headers}}}'
        )

    @classmethod
    def from_json(cls, text: str) -> Envelope:
        """Return the envelope that `to_json` wrote.

        Raises:
            DecodingError: if it is damaged.
        """
        try:
            parts = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            raise _damaged() from None
        return cls.from_parts(parts)

    def arguments(
        self, signal: Signal, session: Any = None, *, snapshots: bool = False
    ) -> dict[str, Any]:
        """Return the arguments of the receivers, as `Codec.load`."""
        return codec_of(signal).load(
            signal, self.payload, self.version, session, snapshots=snapshots
        )


def _damaged() -> DecodingError:
    return DecodingError(
        "An envelope is damaged. Compare the versions of Clarion of the sender and the worker, and "
        "discard it."
    )


def seal(signal: Signal, arguments: dict[str, Any], *, snapshots: bool = False) -> Envelope:
    """Return the envelope of a send.

    Args:
        signal: the signal. It needs a name by which another process finds it.
        arguments: the arguments of the receivers, `sender` and `signal` included.
        snapshots: whether to store the values of objects of a database too. A receiver with
            `missing="snapshot"` gets them if the row is gone.

    Raises:
        EncodingError: if the signal has no name, or a value would not come back as it is.
    """
    codec = codec_of(signal)
    return Envelope(
        new_uid(),
        codec.name or _named(signal, codec),
        codec.version,
        datetime.now(UTC),
        codec.dump(signal, arguments, snapshots=snapshots),
        current_headers(),
    )


def _named(signal: Signal, codec: Codec) -> str:
    """Return the name of a signal in stored rows, and keep it in the codec.

    Raises:
        EncodingError: if the signal has no name.
    """
    name = stored_signal_name(signal)
    if name.startswith("nameless "):
        raise EncodingError(
            f"A {name} cannot be stored, because another process could not find it. Keep it in a "
            f"module, or give it a name: Signal(name='shop.order_paid')."
        )
    if name == signal_name(signal):  # that of the main module may change, as in a shell
        codec.name = name
    return name
