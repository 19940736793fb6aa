"""Stored deliveries as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.cli.text import decoded, last_line

if TYPE_CHECKING:
    from clarion.outbox.delivery_row import Dead, Waiting


def facts_of_receiver(waiting: Waiting) -> dict[str, Any]:
    """Return the counts of one receiver."""
    return {
        "receiver": waiting.receiver,
        "waiting": waiting.deliveries,
        "first_due": None if waiting.oldest is None else waiting.oldest.isoformat(),
        "failing": waiting.failing,
        "dead": waiting.dead,
    }


def facts_of_dead(dead: Dead) -> dict[str, Any]:
    """Return a dead delivery, without its payload."""
    return {
        "id": dead.id,
        "receiver": dead.receiver,
        "signal": dead.envelope.signal,
        "key": dead.key,
        "failures": dead.failures,
        "died_at": dead.died_at.isoformat(),
        "error": last_line(dead.error),
        "uid": str(dead.envelope.uid),
    }


def all_facts_of_dead(dead: Dead) -> dict[str, Any]:
    """Return a dead delivery, with its payload and traceback."""
    envelope = dead.envelope
    return {
        **facts_of_dead(dead),
        "version": envelope.version,
        "sent_at": envelope.created_at.isoformat(),
        "headers": dict(envelope.headers),
        "payload": decoded(envelope.payload),
        "traceback": dead.error,
    }
