"""The statements that store one send."""

from __future__ import annotations

import json
import re
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
# The parameters of each row of a statement with `{rows}`.
_NUMBERED = [tuple(f"{column}_{n}" for column in _COLUMNS) for n in range(1, FEW + 1)]
_FEW = [(f"publish_few_{n}", f"publish_few_deliveries_{n}") for n in range(FEW + 1)]


def publication(
    connection: Connection | AsyncConnection, envelope: Envelope, targets: Sequence[Target]
) -> list[tuple[str, list[Parameters]]]:
    """Return the statements that publish a send, with the parameters of each execution.

    Args:
        connection: the sender's connection.
        envelope: the send.
        targets: its receivers.
    """
    dialect = connection.dialect
    event: Parameters = {
        "uid": f"{envelope.uid.int:032x}",
        "signal": envelope.signal,
        "version": envelope.version,
        "payload": envelope.payload,
        # In ASCII, because the connection of a program may have another character set.
        "headers": json.dumps(envelope.headers) if envelope.headers else "{}",
    }
    if dialect == "postgresql" and len(targets) <= FEW:  # most sends
        _add_rows(event, targets)
        return [(_FEW[len(targets)][0], [event])]
    uid: Parameters = {"uid": event["uid"]}
    if dialect == "sqlite":
        each_row = [uid | dict(zip(_COLUMNS, _row(each), strict=True)) for each in targets]
        return [("publish_event", [event]), ("publish_delivery", each_row)]
    if not getattr(connection, "takes_bytes", True):
        event["payload"] = _in_ascii(envelope.payload)
    is_whole = dialect == "postgresql" or getattr(connection, "is_mariadb", False)
    deliveries = event if is_whole else uid
    whole, parts = "publish_many", "publish_many_deliveries"
    if len(targets) <= FEW:
        whole, parts = _FEW[len(targets)]
        _add_rows(deliveries, targets)
    else:
        deliveries["rows"] = _json([list(_row(each)) for each in targets])
    # One statement stores the event and its deliveries where the database has it: one round trip.
    return [(whole, [event])] if is_whole else [("publish_event", [event]), (parts, [uid])]


def _add_rows(parameters: Parameters, targets: Sequence[Target]) -> None:
    """Add the parameters of a few rows, which cost the database less than one JSON text."""
    for names, (name, key, wait) in zip(_NUMBERED, targets, strict=False):
        receiver, ordered_by, part, delay = names
        parameters[receiver] = name
        parameters[ordered_by] = key
        parameters[part] = None if key is None else partition_of(key)
        parameters[delay] = wait


def _row(target: Target) -> tuple[str, str | None, int | None, int]:
    """Return the values of `_COLUMNS`."""
    name, key, delay = target
    return name, key, None if key is None else partition_of(key), delay


def _in_ascii(payload: bytes) -> str:
    """Return a payload as ASCII, which each character set has, for a driver that takes no bytes."""
    # JSON has such characters in its texts only.
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], payload.decode())


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
