"""The statements that store one send."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from clarion.envelope.plain import encode as _json
from clarion.outbox.delivery_row import partition_of
from clarion.outbox.statements import FEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.envelope import Envelope
    from clarion.outbox.connection import AsyncConnection, Connection
    from clarion.outbox.delivery_row import Target

    Parameters = dict[str, Any]

_COLUMNS = ("receiver", "key", "part", "delay")
# The parameters of a statement with `{rows}`.
_NUMBERED = [f"{column}_{n}" for n in range(1, FEW + 1) for column in _COLUMNS]


def publication(
    connection: Connection | AsyncConnection, envelope: Envelope, targets: Sequence[Target]
) -> list[tuple[str, list[Parameters]]]:
    """Return the statements that publish a send, with the parameters of each execution.

    Args:
        connection: the sender's connection.
        envelope: the send.
        targets: its receivers.
    """
    uid = envelope.uid.hex
    event: Parameters = {
        "uid": uid,
        "signal": envelope.signal,
        "version": envelope.version,
        "payload": _payload(connection, envelope.payload),
        # In ASCII, because the connection of a program may have another character set.
        "headers": json.dumps(envelope.headers) if envelope.headers else "{}",
    }
    rows = [
        (each.receiver, each.key, None if each.key is None else partition_of(each.key), each.delay)
        for each in targets
    ]
    if connection.dialect == "sqlite":
        each_row = [{"uid": uid, **dict(zip(_COLUMNS, row, strict=True))} for row in rows]
        return [("publish_event", [event]), ("publish_delivery", each_row)]
    if len(rows) <= FEW:
        # Parameters cost the database less than one JSON text. They are named row after row.
        deliveries: Parameters = dict(zip(_NUMBERED, chain.from_iterable(rows), strict=False))
        whole, parts = f"publish_few_{len(rows)}", f"publish_few_deliveries_{len(rows)}"
    else:
        deliveries = {"rows": _json([list(row) for row in rows])}
        whole, parts = "publish_many", "publish_many_deliveries"
    if _takes_whole(connection):
        event.update(deliveries)
        return [(whole, [event])]
    deliveries["uid"] = uid
    return [("publish_event", [event]), (parts, [deliveries])]


def _payload(connection: Connection | AsyncConnection, payload: bytes) -> bytes | str:
    """Return a payload for a driver; as ASCII, which each character set has, if it takes no bytes."""
    if getattr(connection, "takes_bytes", True):
        return payload
    # JSON has such characters in its texts only.
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], payload.decode())


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _takes_whole(connection: Connection | AsyncConnection) -> bool:
    """Return whether one statement stores the event and its deliveries, in one round trip."""
    return connection.dialect == "postgresql" or getattr(connection, "is_mariadb", False)
