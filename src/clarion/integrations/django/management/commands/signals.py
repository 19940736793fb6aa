"""manage.py signals: list the signals and their receivers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management.base import CommandError

from clarion.graph.labels import printable
from clarion.integrations.django.command import ProcessCommand, folded
from clarion.listing import (
    Filters,
    Listed,
    facts_of,
    list_signals,
    options_of,
    place_of,
    sender_of,
    similar_names,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from clarion._core.registration import Registration


class Command(ProcessCommand):
    """The command `signals`, which prints a table or JSON."""

    help = "Lists every signal with its receivers, in the order of a send."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the names and the two flags."""
        parser.add_argument(
            "names", nargs="*", help="list only signals whose dotted name contains one of these"
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--all", action="store_true", help="list signals without receivers too")
        parser.add_argument("--app", help="only receivers in this app, or of its models")
        parser.add_argument(
            "--sender", help="only senders whose dotted name or label contains this"
        )
        parser.add_argument("--receiver", help="only receivers whose dotted name contains this")
        parser.add_argument("--file", help="only receivers in files whose path contains this")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the selected signals, the project's own first."""
        names: list[str] = options["names"]
        listed = list_signals(names)
        if names and not listed:
            known = [name for name, _ in list_signals()]
            close = [found for name in names for found in similar_names(name, known)]
            meant = f"Did you mean {' or '.join(close)}? " if close else ""
            raise CommandError(
                f"No signal has {' or '.join(names)} in its name. {meant}Leave the names out to list all.",
                returncode=2,
            )
        matched = [name for name, _ in listed]
        package = _package_of(options["app"])
        listed = [
            Listed(name, [r for r in each if _matches(r, options, package)])
            for name, each in listed
        ]
        listed = [each for each in listed if each.receivers or options["all"]]
        if options["json"]:
            self.stdout.write(_as_json(listed))
        elif listed:
            self._print(listed)
        else:
            self.write_folded(_nothing(matched if names else [], options))

    def _print(self, listed: list[Listed]) -> None:
        table, width = _as_table(listed), self.width()
        is_wide = width is not None and max(map(len, table.splitlines())) > width
        self.stdout.write(_as_list(listed, width) if is_wide and width else table)


def _package_of(label: str | None) -> str:
    if label is None:
        return ""
    try:
        return apps.get_app_config(label).name
    except LookupError as error:
        raise CommandError(str(error), returncode=2) from None


def _matches(registration: Registration, options: dict[str, Any], package: str) -> bool:
    names = (registration.name, sender_of(registration) or "")
    given = {name: options[name] or "" for name in ("sender", "receiver", "file")}
    return (not package or any(name.startswith(f"{package}.") for name in names)) and Filters(
        **given
    ).allow_registration(registration)


def _nothing(signals_matched: list[str], options: dict[str, Any]) -> str:
    given = [
        f"--{name} {options[name]}"
        for name in ("app", "sender", "receiver", "file")
        if options[name]
    ]
    signals_named = f" to {', '.join(signals_matched)}" if signals_matched else ""
    filters = f" with {' '.join(given)}" if given else ""
    return f"No receiver is connected{signals_named}{filters}."


def _as_json(listed: list[Listed]) -> str:
    return json.dumps(
        [{"signal": name, "receivers": [facts_of(r) for r in entries]} for name, entries in listed],
        indent=2,
    )


def _as_table(listed: list[Listed]) -> str:
    rows = [[(name, *_cells(registration)) for registration in entries] for name, entries in listed]
    cells = [row[1:] for group in rows for row in group]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for (name, _), group in zip(listed, rows, strict=True):
        lines.append(printable(name))
        for row in group:
            padded = (cell.ljust(width) for cell, width in zip(row[1:], widths, strict=True))
            lines.append("  " + "  ".join(padded).rstrip())
    return "\n".join([*lines, _summary(listed)])


def _as_list(listed: list[Listed], width: int) -> str:
    """Return the receivers below each other, because a table is too wide for the terminal."""
    lines = []
    for name, entries in listed:
        lines.append(printable(name))
        for registration in entries:
            receiver, *facts, place = _cells(registration)
            shown = folded(", ".join(filter(None, facts)), width, "    ")
            lines += [f"  {receiver}", shown, *([f"    {place}"] if place else [])]
    return "\n".join([*lines, _summary(listed)])


def _summary(listed: list[Listed]) -> str:
    total = sum(len(each.receivers) for each in listed)
    return f"{_count(len(listed), 'signal')}, {_count(total, 'receiver')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _cells(registration: Registration) -> tuple[str, ...]:
    mode = "async" if registration.is_async else "sync"
    cells = (
        registration.name,
        sender_of(registration) or "any sender",
        f"{mode}, priority {registration.priority}",
        ", ".join(options_of(registration)),
        place_of(registration),
    )
    return tuple(map(printable, cells))
