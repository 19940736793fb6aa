"""Which names resemble a name that is not found, and why a list is empty."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clarion.cli.output import print_sentences
from clarion.introspect import registrations
from clarion.listing import named_signals, place_of, reading_order, sender_of, similar_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clarion.listing import Filters
    from clarion.outbox.delivery_row import Waiting

AT_MOST = 10  # names in a sentence

NO_TEXT = "''"  # a name that a shell has left empty


def print_hint(text: str) -> None:
    """Print a hint to standard error."""
    print_sentences(f": {text}", ("hint", "bold yellow"), sys.stderr)


def did_you_mean(wanted: str, names: Iterable[str]) -> str:
    """Return a question with the names that resemble a name most, and a space; empty if none does."""
    close = similar_names(wanted, names) if wanted else []
    return f"Did you mean {' or '.join(close)}? " if close else ""


def some_of(names: Iterable[str]) -> str:
    """Return the first names of a list, the program's own before others, and how many more it has."""
    listed = sorted(set(names), key=reading_order)
    more = len(listed) - AT_MOST
    shown = ", ".join(listed[:AT_MOST])
    return f"{shown} and {more} more" if more > 0 else shown or "none"


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
    print_hint(
        f"No name contains the text of the filters. "
        f"{cure or 'Leave a filter out, or write a shorter part of the name.'}"
    )


def explain_no_dead(receiver: str | None, counted: Iterable[Waiting]) -> None:
    """Print that no delivery of a receiver is stored, if the user has named one.

    Args:
        receiver: the name that the user gave; None if the user gave none.
        counted: the counts of the receivers in the database.
    """
    known = {each.receiver for each in counted}
    if receiver is not None and receiver not in known:
        print_hint(
            f"No delivery is stored for the receiver {receiver or NO_TEXT}. {did_you_mean(receiver, known)}"
            f"The receivers with deliveries are: {some_of(known)}."
        )


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
