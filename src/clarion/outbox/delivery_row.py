"""The rows of the outbox, as data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID
from zlib import crc32

from clarion._core.commands import command_line
from clarion.envelope import Envelope
from clarion.envelope.plain import encode
from clarion.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTITIONS = 16
"""The number of partitions of a receiver's keys. It cannot be changed, because each row
stores its partition."""

LONGEST_KEY = 255  # characters

BLOCKED_BY_DEAD = 1 << 62
"""A dead delivery blocks its key until this time plus its id, which never comes."""

NO_EVENT = "(its event was deleted)"
"""In place of the name of the signal, if only the row of the delivery is left."""


def partition_of(key: str) -> int:
    """Return the partition of a key."""
    return crc32(key.encode()) % PARTITIONS


class Target(NamedTuple):
    """One receiver of a send that is published.

    Attributes:
        receiver: its stable name.
        key: the key by which its deliveries are ordered; None if they are not.
        delay: the shortest time that it waits, in milliseconds.
    """

    receiver: str
    key: str | None = None
    delay: int = 0


class Claim(NamedTuple):
    """One delivery that this worker may make.

    Attributes:
        id: the row. If transactions exclude each other, their ids have the order of their sends.
        attempt: the number of the attempt, and the state of the module `lapses`. A settlement with
            another number has no effect.
        failures: how many attempts have failed.
        key: the key by which deliveries are ordered, or None.
        uid: identifies the send.
        signal: the name of the signal; `NO_EVENT` if its event was deleted by hand.
        version: the version of the payload.
        payload: see `Envelope`.
        headers: as JSON.
        created_at: when the event was stored, in milliseconds since 1970.
    """

    id: int
    attempt: int
    failures: int
    key: str | None
    uid: str
    signal: str
    version: int
    payload: bytes
    headers: str
    created_at: int

    def envelope(self) -> Envelope:
        """Return the envelope of the send.

        Raises:
            DecodingError: if the headers are damaged.
        """
        return self._envelope(self.read_headers())

    def shown_envelope(self) -> Envelope:
        """Return the envelope for a person to see, without headers if they are damaged."""
        try:
            return self.envelope()
        except DecodingError:
            return self._envelope({})

    def read_headers(self) -> dict[str, Any]:
        """Return the headers.

        Raises:
            DecodingError: if they are damaged.
        """
        if self.headers == "{}":
            return {}
        try:
            return dict(json.loads(self.headers))
        except (ValueError, TypeError, RecursionError):
            raise DecodingError(
                f"The headers of a stored send of signal {self.signal} are damaged. Show the delivery "
                f"with `{command_line('outbox show')}`, and discard it.",
                self.signal,
            ) from None

    def _envelope(self, headers: dict[str, Any]) -> Envelope:
        payload: bytes | str = self.payload  # text, if a person has changed it in SQLite
        return Envelope(
            UUID(self.uid),
            self.signal,
            self.version,
            time_of(self.created_at),
            payload.encode() if isinstance(payload, str) else bytes(payload),
            headers,
        )


def claim_of(row: tuple[Any, ...]) -> Claim:
    """Return a row of the outbox as a delivery, with the payload as bytes."""
    claim = Claim._make(row)
    if type(claim.payload) is bytes:
        return claim
    signal: Any = claim.signal
    if signal is None:  # no event was joined
        return claim._replace(signal=NO_EVENT, version=0, payload=b"", headers="{}", created_at=0)
    # psycopg2 has a memoryview; SQLite has text, if a person has changed it.
    payload: Any = claim.payload
    is_text = isinstance(payload, str)
    return claim._replace(payload=payload.encode() if is_text else bytes(payload))


def fences(dialect: str, claims: Iterable[Claim]) -> str:
    """Return the ids and attempts of deliveries as JSON, for a settlement."""
    if dialect == "mysql":  # it has no table of the members of an object
        return encode([[each.id, each.attempt] for each in claims])
    return encode({each.id: each.attempt for each in claims})


def time_of(milliseconds: int) -> datetime:
    """Return a time of the database."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class Lease(NamedTuple):
    """A partition of a receiver that this worker holds.

    Attributes:
        receiver: the name of the receiver.
        part: the number of the partition.
        epoch: a number that grows with each lease. A settlement with an older one has no effect.
        has_lapsed: whether the lease before has lapsed, because its worker has vanished.
    """

    receiver: str
    part: int
    epoch: int
    has_lapsed: bool = False


class Dead(NamedTuple):
    """A dead delivery: it was given up.

    Attributes:
        id: the row.
        failures: how many attempts have failed.
        receiver: the name of the receiver.
        key: the key by which deliveries are ordered, or None.
        envelope: the envelope of the send.
        error: the last traceback.
        died_at: when it was given up, in UTC.
    """

    id: int
    failures: int
    receiver: str
    key: str | None
    envelope: Envelope
    error: str
    died_at: datetime


class Waiting(NamedTuple):
    """The deliveries of one receiver, counted.

    Attributes:
        receiver: the name of the receiver.
        deliveries: how many deliveries wait, or are being made.
        oldest: when the first of these deliveries can be made, in UTC.
        failing: how many of them have failed before.
        dead: how many were given up.
        suspects: how many of those that wait have lost a worker.
    """

    receiver: str
    deliveries: int
    oldest: datetime | None
    failing: int
    dead: int
    suspects: int = 0


class Suspect(NamedTuple):
    """A delivery that has lost a worker: its receiver may end the process.

    Attributes:
        id: the row.
        receiver: the name of the receiver.
        signal: the name of the signal.
        key: the key by which deliveries are ordered, or None.
        uid: identifies the send.
        failures: how many attempts have failed.
        lost_workers: how many workers have ended while they held it. From two on, it is made while
            nothing else runs in its worker.
    """

    id: int
    receiver: str
    signal: str
    key: str | None
    uid: UUID
    failures: int
    lost_workers: int
