"""Stored deliveries as JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from clarion._core.names import counted as as_text
from clarion._core.printable import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.outbox.delivery_row import Dead, Suspect, Waiting

# The lines between the tracebacks of an error and of its cause.
_CHAINED = re.compile(
    r"^The above exception was the direct cause of the following exception:$"
    r"|^During handling of the above exception, another exception occurred:$",
    re.MULTILINE,
)
_HEADING = re.compile(r"Traceback.*:\s*$")


def facts_of_database(
    name: str, counted: list[Waiting], suspects: Sequence[Suspect]
) -> dict[str, Any]:
    """Return the counts of a database and of each receiver.

    Args:
        name: how messages name the database.
        counted: the counts of its receivers.
        suspects: deliveries that have lost a worker.
    """
    return {
        "database": name,
        "waiting": sum(each.deliveries for each in counted),
        "dead": sum(each.dead for each in counted),
        "receivers": [facts_of_receiver(each) for each in counted],
        "suspects": [{**each._asdict(), "uid": str(each.uid)} for each in suspects],
    }


def facts_of_list(dead: list[Dead], counted: list[Waiting], receiver: str | None) -> dict[str, Any]:
    """Return a list of dead deliveries, and how many there are.

    Args:
        dead: those of the list.
        counted: the counts of all receivers.
        receiver: the name of the receiver whose deliveries are listed; None for all.
    """
    return {
        "total": count_dead(counted, receiver),
        "deliveries": [facts_of_dead(each) for each in dead],
    }


def count_dead(counted: list[Waiting], receiver: str | None) -> int:
    """Return how many deliveries of a receiver, or of all, are dead."""
    return sum(each.dead for each in counted if receiver in {None, each.receiver})


def note_of_keys(counted: list[Waiting], dead: list[Dead]) -> str:
    """Return a sentence if deliveries may wait for a dead one of their key; else an empty text.

    Args:
        counted: the counts of all receivers.
        dead: dead deliveries, the oldest ones.
    """
    waiting = {each.receiver for each in counted if each.deliveries}
    if any(each.key is not None and each.receiver in waiting for each in dead):
        return " Later deliveries of the same keys may wait for them."
    return ""


def note_of_suspects(counted: list[Waiting]) -> str:
    """Return a sentence if deliveries have lost a worker; else an empty text.

    Args:
        counted: the counts of all receivers.
    """
    if not (suspects := sum(each.suspects for each in counted)):
        return ""
    return (
        f"{as_text(suspects, 'delivery has', 'deliveries have')} lost a worker. If one has lost two, its "
        f"receiver probably ends the process:"
    )


def facts_of_receiver(waiting: Waiting) -> dict[str, Any]:
    """Return the counts of one receiver."""
    return {
        "receiver": waiting.receiver,
        "waiting": waiting.deliveries,
        "first_due": None if waiting.oldest is None else waiting.oldest.isoformat(),
        "failing": waiting.failing,
        "dead": waiting.dead,
        "suspects": waiting.suspects,
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
        "error": error_line(dead.error),
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


def error_line(text: str) -> str:
    """Return the line of a traceback that names the error.

    Notes, the rest of a message and the members of an exception group may follow it.
    """
    # The lines of a group begin with a bar.
    lines = [line.removeprefix("  | ") for line in _CHAINED.split(text)[-1].split("\n")]
    named = (
        line
        for line in lines
        if line.strip() and not line[0].isspace() and not _HEADING.match(line)
    )
    return safe(next(named, text.strip().rpartition("\n")[2]).strip())


def decoded(payload: bytes) -> Any:
    """Return the JSON in a payload; None if it is damaged."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
