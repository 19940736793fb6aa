"""connection_created, when a pool opens a connection."""

from __future__ import annotations

from typing import Any

from clarion.integrations.sqlalchemy.send import deliver
from clarion.integrations.sqlalchemy.signals import connection_created


def connect(connection: Any, record: object) -> None:  # noqa: ARG001
    """Send connection_created."""
    sender: type[Any] = connection.__class__
    if connection_created.has_listeners(sender):
        deliver(connection_created, sender, connection=connection)
