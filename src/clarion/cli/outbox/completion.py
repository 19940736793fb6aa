"""Complete what the database of the command line has stored. Nothing else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer  # noqa: TC002  # Typer reads the annotations

from clarion._core.printable import safe
from clarion.cli.completion import complete
from clarion.cli.databases import opened
from clarion.outbox import store
from clarion.outbox.facts import error_line

if TYPE_CHECKING:
    from collections.abc import Iterable

DEAD_AT_MOST = 100  # ids that a shell shows
PATIENCE = 1.5  # seconds for a database to answer while a user waits for names


def complete_stored(context: typer.Context, incomplete: str) -> list[str]:
    """Return the receivers of the deliveries in the database that begin with a text."""

    def names() -> Iterable[str]:
        with opened(context.params["database"], seconds=PATIENCE) as (_, connection):
            return [each.receiver for each in store.waiting(connection) if each.dead]

    return complete(incomplete, names)


def complete_dead(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the ids of dead deliveries that begin with a text, each with its receiver and error."""
    found: dict[str, str] = {}

    def names() -> Iterable[str]:
        with opened(context.params["database"], seconds=PATIENCE) as (_, connection):
            for each in store.list_dead(connection, limit=DEAD_AT_MOST):
                found[str(each.id)] = safe(f"{each.receiver}: {error_line(each.error)}")
        return found

    named = {str(each) for each in context.params.get("ids") or ()}
    chosen = set(complete(incomplete, names)) - named
    return [(name, text) for name, text in found.items() if name in chosen]
