"""manage.py signals: who listens to what."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from clarion._core.names import sender_name, signal_name
from clarion.introspect import registrations, signals

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal


class Command(BaseCommand):
    """Lists the signals alive and their receivers, as text or as JSON."""

    help = "Lists who listens to what: every signal with its receivers, in the order of a send."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take parts of names, and whether to print JSON."""
        parser.add_argument(
            "names", nargs="*", help="only the signals whose dotted name has one of these in it"
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument(
            "--all", action="store_true", help="also the signals that nobody listens to"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the signals asked for, sorted by name."""
        names: list[str] = options["names"]
        listed = [
            (signal_name(signal), _in_order_of_send(signal))
            for signal in signals()
            if not names or any(part in signal_name(signal) for part in names)
        ]
        listed.sort(key=lambda entry: entry[0])  # only by name: two signals may have the same
        if names and not listed:
            raise CommandError(
                f"No signal has {' or '.join(names)} in its name. Leave it out to list all."
            )
        listed = [(name, found) for name, found in listed if found or options["all"]]
        self.stdout.write(_as_json(listed) if options["json"] else _as_table(listed))


def _in_order_of_send(signal: Signal) -> list[Registration]:
    return sorted(registrations(signal), key=lambda registration: registration.rank)


def _as_json(listed: list[tuple[str, list[Registration]]]) -> str:
    return json.dumps(
        [{"signal": name, "receivers": [_facts(r) for r in found]} for name, found in listed],
        indent=2,
    )


def _facts(registration: Registration) -> dict[str, object]:
    file, line = registration.place or (None, None)
    return {
        "receiver": registration.name,
        "file": file,
        "line": line,
        "sender": _listens_to(registration),
        "mode": "async" if registration.is_async else "sync",
        "priority": registration.priority,
        "once": registration.once,
        "subclasses": registration.subclasses,
        "inline": registration.inline,
        "weak": registration.weak,
        "dispatch_uid": None if registration.uid is None else str(registration.uid),
    }


def _listens_to(registration: Registration) -> str | None:
    return None if registration.sender_key is None else sender_name(registration.sender)


def _as_table(listed: list[tuple[str, list[Registration]]]) -> str:
    rows = [[(name, *_cells(registration)) for registration in found] for name, found in listed]
    cells = [row[1:] for group in rows for row in group]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for (name, _), group in zip(listed, rows, strict=True):
        lines.append(name)
        for row in group:
            padded = (cell.ljust(width) for cell, width in zip(row[1:], widths, strict=True))
            lines.append("  " + "  ".join(padded).rstrip())
    total = sum(map(len, rows))
    return "\n".join([*lines, f"{len(listed)} signals, {total} receivers"])


def _cells(registration: Registration) -> tuple[str, ...]:
    facts = _facts(registration)
    flags = [flag for flag in ("once", "subclasses", "inline", "weak") if facts[flag]]
    return (
        registration.name,
        _listens_to(registration) or "any sender",
        f"{facts['mode']}, priority {registration.priority}",
        ", ".join(flags),
        "" if registration.place is None else _place(*registration.place),
    )


def _place(file: str, line: int) -> str:
    # A path is told from where Python found it; in the JSON it is whole.
    folders = (f"{folder.rstrip('/')}/" for folder in (*sys.path, str(Path.cwd())) if folder)
    longest = max(filter(file.startswith, folders), key=len, default="")
    return f"{file.removeprefix(longest)}:{line}"
