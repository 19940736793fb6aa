"""List what is connected, for the commands: `clarion ls` and `manage.py signals`."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clarion._core.names import (
    name_signals,
    option_name,
    sender_name,
    signal_name,
    value_name,
)
from clarion.introspect import registrations, signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal


FRAMEWORKS = {"django", "clarion"}  # the packages whose own signals have receivers of their own

AT_MOST = 10  # names in a sentence

NO_TEXT = "''"  # a name that a shell has left empty

_SIMILAR = 3  # names that a message proposes at most


class Filters(NamedTuple):
    """What a command lists: each text is a part of a name; an empty one allows everything.

    Attributes:
        signal: a part of the dotted name of the signal.
        sender: a part of the name of the sender.
        receiver: a part of the dotted name of the receiver.
        file: a part of the path of the receiver's file.
    """

    signal: str = ""
    sender: str = ""
    receiver: str = ""
    file: str = ""

    def allow(self, sender: str, receiver: str, file: str) -> bool:
        """Return whether a receiver is listed; its signal is chosen by `list_signals`."""
        return self.sender in sender and self.receiver in receiver and self._allows_file(file)

    def _allows_file(self, file: str) -> bool:
        # The file may be short, as in a graph, and the text a whole path, as a shell completes it.
        return self.file in file or short_file(str(Path(self.file))) in file

    def allow_registration(self, registration: Registration) -> bool:
        """Return whether a registration is listed, as `allow`."""
        if not any(self):
            return True
        file = "" if registration.place is None else registration.place[0]
        senders = (sender_of(registration) or "", label_of(registration))
        return any(self.allow(each, registration.name, file) for each in senders)


class Listed(NamedTuple):
    """A signal with some of its receivers.

    Attributes:
        name: the dotted name of the signal.
        receivers: their registrations, in the order of a send.
    """

    name: str
    receivers: list[Registration]


def list_signals(names: Sequence[str] = ()) -> list[Listed]:
    """Return the signals with all receivers, in `reading_order`.

    Args:
        names: only signals whose dotted name contains one of these; none for all signals.
    """
    found = [
        Listed(name, sorted(registrations(signal), key=lambda each: each.rank))
        for name, signal in named_signals()
        if not names or any(part in name for part in names)
    ]

    def order(each: Listed) -> tuple[bool, bool, str]:
        has_own = not all(is_of_framework(registration.name) for registration in each.receivers)
        return reading_order(each.name, has_own=has_own)

    return sorted(found, key=order)


def named_signals() -> list[tuple[str, Signal]]:
    """Return all signals, each with its dotted name, after one search of the modules."""
    found = signals()
    name_signals(found)
    return [(signal_name(signal), signal) for signal in found]


def similar_names(wanted: str, names: Iterable[str]) -> list[str]:
    """Return at most three names that resemble a name most, the closest first.

    A name that contains it in other case comes before one that is written alike. As many of the last
    parts of a dotted name are compared as the wanted name has.
    """
    known = sorted(set(names))
    lower = wanted.lower()
    if containing := [name for name in known if lower and lower in name.lower()]:
        return containing[:_SIMILAR]
    parts = wanted.count(".") + 1
    ends: dict[str, list[str]] = {}
    for name in known:
        ends.setdefault(".".join(name.lower().split(".")[-parts:]), []).append(name)
    close = get_close_matches(lower, ends, _SIMILAR, 0.7)
    return [name for end in close for name in ends[end]][:_SIMILAR]


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


def is_of_framework(name: str) -> bool:
    """Return whether a signal, sender or receiver belongs to Django or Clarion, not to the program."""
    return name.removeprefix("an object of ").partition(".")[0] in FRAMEWORKS


def reading_order(name: str, *, has_own: bool = False) -> tuple[bool, bool, str]:
    """Return a key that sorts by name, the program's own names before those of Django and Clarion.

    Args:
        name: the name of a signal, sender or receiver.
        has_own: whether it is a signal with receivers of the program. If it is Django's or Clarion's, it comes
            before the others of these packages.
    """
    is_foreign = is_of_framework(name)
    return is_foreign and not has_own, is_foreign, name


def facts_of(registration: Registration) -> dict[str, object]:
    """Return what there is to know of a receiver, as JSON."""
    file, line = registration.place or (None, None)
    return {
        "receiver": registration.name,
        "file": file,
        "line": line,
        "sender": sender_of(registration),
        "mode": "async" if registration.is_async else "sync",
        "priority": registration.priority,
        "once": registration.once,
        "subclasses": registration.subclasses,
        "inline": registration.inline,
        "weak": registration.weak,
        "delivery": _delivery_of(registration),
        "dispatch_uid": _uid_of(registration),
    }


def options_of(registration: Registration) -> list[str]:
    """Return the options of a receiver that differ from the usual ones, in words."""
    facts = facts_of(registration)
    flags = [flag for flag in ("once", "subclasses", "inline", "weak") if facts[flag]]
    return [f"delivery={facts['delivery']}", *flags] if facts["delivery"] else flags


def sender_of(registration: Registration) -> str | None:
    """Return the name of the sender that a receiver is connected for; None for any."""
    return None if registration.sender_key is None else sender_name(registration.sender)


def label_of(registration: Registration) -> str:
    """Return the label of a model of Django, such as "auth.User"; empty for another sender."""
    options: Any = getattr(sys.modules.get("django.db.models.options"), "Options", ())
    meta: Any = getattr(registration.sender, "_meta", None) if options else None
    return str(meta.label) if meta is not None and isinstance(meta, options) else ""


def place_of(registration: Registration) -> str:
    """Return the file, below the folder that it is imported from, and the line."""
    place = registration.place
    return "" if place is None else f"{short_file(place[0])}:{place[1]}"


def file_of(registration: Registration) -> str | None:
    """Return the file, below the folder that it is imported from; None if it is unknown."""
    place = registration.place
    return None if place is None else short_file(place[0])


def short_file(file: str) -> str:
    """Return a file below the folder that it is imported from."""
    folders = (f"{folder.rstrip('/')}/" for folder in (*sys.path, str(Path.cwd())) if folder)
    longest = max(filter(file.startswith, folders), key=len, default="")
    return file.removeprefix(longest)


def _delivery_of(registration: Registration) -> str | None:
    bound: Any = registration.delivery
    delivery = getattr(bound, "delivery", bound)
    return None if delivery is None else option_name(delivery)


def _uid_of(registration: Registration) -> str | None:
    uid = registration.uid
    return uid if uid is None or isinstance(uid, str) else value_name(uid)
