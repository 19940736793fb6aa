"""Why a list is empty, as a hint on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clarion.cli.output import print_sentences
from clarion.introspect import registrations
from clarion.listing import did_you_mean, named_signals, place_of, sender_of, some_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clarion.listing import Filters
    from clarion.outbox.delivery_row import Waiting


def print_hint(text: str) -> None:
    """Print a hint to standard error."""
    print_sentences(f": {text}", ("hint", "bold yellow"), sys.stderr)


def explain_empty(filters: Filters, *, every: bool) -> None:
    """Print why filters select nothing, if there are any.

    Args:
        filters: the filters of the command.
        every: whether the command lists signals without receivers.
    """
    if not any(filters):
        return
    empty = {
        name
        for name, _ in named_signals()
        if filters.signal and filters.signal in name and not any(filters[1:])
    }
    if empty and not every:
        has = "has" if len(empty) == 1 else "have"
        print_hint(
            f"{some_of(empty)} {has} no receiver. Add --all to list signals without receivers."
        )
        return
    close = (
        did_you_mean(given, known)
        for given, known in zip(filters, _known(), strict=True)
        if not any(given in name for name in known)
    )
    cure = next(filter(None, close), "").rstrip()
    given = [f"--{name} {text}" for name, text in filters._asdict().items() if text]
    print_hint(
        f"Nothing is connected with {', '.join(given)}. "
        f"{cure or 'Leave a filter out, or write a shorter part of the name.'}"
    )


def explain_no_dead(receiver: str | None, counted: Iterable[Waiting]) -> None:
    """Print that no delivery of a receiver is stored, if the user has named one.

    Args:
        receiver: the name that the user gave; None if the user gave none.
        counted: the counts of the receivers in the database.
    """
    from clarion.worker.upkeep import why_none  # commands without an outbox do not load it

    if text := why_none(receiver, counted):
        print_hint(text)


def _known() -> tuple[set[str], ...]:
    """Return the names that each filter can have, in the order of `Filters`."""
    named = named_signals()
    found = [each for _, signal in named for each in registrations(signal)]
    return (
        {name for name, _ in named},
        {name for each in found if (name := sender_of(each)) is not None},
        {each.name for each in found},
        {place_of(each).rpartition(":")[0] for each in found},
    )
