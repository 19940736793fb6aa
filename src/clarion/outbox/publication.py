"""The statements that store one send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.envelope.plain import encode as _json
from clarion.outbox.delivery_row import partition_of
from clarion.outbox.statements import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.envelope import Envelope
    from clarion.outbox.delivery_row import Target


def publication(
    dialect: str, envelope: Envelope, targets: Sequence[Target]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements that publish a send, with their parameters.

    Args:
        dialect: the kind of database.
        envelope: the send.
        targets: its receivers.
    """
    names = statements(dialect)
    event: dict[str, Any] = {
        "uid": envelope.uid.hex,
        "signal": envelope.signal,
        "version": envelope.version,
        "payload": envelope.payload,
        "headers": _json(envelope.headers) if envelope.headers else "{}",
    }
    rows = [
        [each.receiver, each.key, None if each.key is None else partition_of(each.key), each.delay]
        for each in targets
    ]
    # One JSON text for any number of rows, but a few rows are cheaper as parameters.
    few = f"publish_few_{len(rows)}"
    if few in names:
        for n, (receiver, key, part, delay) in enumerate(rows, 1):
            event[f"receiver_{n}"], event[f"key_{n}"] = receiver, key
            event[f"part_{n}"], event[f"delay_{n}"] = part, delay
        return [(few, event)]
    deliveries = {"uid": event["uid"], "rows": _json(rows)}
    if "publish_deliveries" in names:
        return [("publish_event", event), ("publish_deliveries", deliveries)]
    return [("publish_event", {**event, **deliveries})]
