"""`clarion tail`: show the sends and deliveries of running programs."""

from __future__ import annotations

import json as json_module
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clarion.cli.options import JsonOption, ReceiverFilter, SignalFilter
from clarion.cli.output import print_line, print_text, reporting
from clarion.tail.client import watch
from clarion.tail.events import BROKEN, SLOW

if TYPE_CHECKING:
    from clarion.tail.events import Event

REASONS = {
    SLOW: "the reader was too slow",
    BROKEN: "a name or an attribute of the program raised an error",
}

STYLES = {"failed": "red", "dropped": "yellow", "abandoned": "red"}


@reporting()
def tail(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="The folder that the program gave to serve_tail().",
            show_default=False,
        ),
    ],
    signal: SignalFilter = "",
    receiver: ReceiverFilter = "",
    count: Annotated[
        int | None,
        typer.Option("--count", "-n", metavar="N", min=1, help="End after so many events."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for a program to start, and to come back.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show the sends and deliveries of running programs.

    It shows names, durations and outcomes, but no values.
    """
    shown = 0
    try:
        for event in watch(folder, wait=wait, note=_Notes(folder)):
            if not _is_wanted(event, signal, receiver):
                continue
            _print_json(event) if json else print_event(event)
            shown += 1
            if shown == count:
                return
        print_line(("The program has ended.", "dim"), stream=sys.stderr)
    except KeyboardInterrupt:
        return


class _Notes:
    """Prints to standard error which processes are watched, if that has changed.

    Args:
        folder: the folder of the processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._watched: frozenset[int] | None = None

    def __call__(self, processes: frozenset[int]) -> None:
        """Note the processes that are connected now."""
        before = self._watched or frozenset()
        if processes == self._watched:
            return
        if ended := before - processes:
            _print_note(f"{_named(ended)} ended.")
        if processes - before:
            _print_note(f"Watching {_named(processes)}.")
        elif not processes:
            _print_note(f"Waiting for a program that serves its signals in {self._folder}.")
        self._watched = processes


def _named(processes: frozenset[int]) -> str:
    numbers = ", ".join(map(str, sorted(processes)))
    return f"{'process' if len(processes) == 1 else 'processes'} {numbers}"


def _print_note(text: str) -> None:
    print_line((text[:1].upper() + text[1:], "dim"), stream=sys.stderr)


def _is_wanted(event: Event, signal: str, receiver: str) -> bool:
    if event["kind"] == "dropped":
        return True
    calls = event["calls"] if event["kind"] == "send" else [event]
    return signal in event["signal"] and (
        not receiver or any(receiver in each["receiver"] for each in calls)
    )


def _print_json(event: Event) -> None:
    print_text(json_module.dumps(event) + "\n")


def print_event(event: Event) -> None:
    """Print one event for a person."""
    at = datetime.fromtimestamp(event["at"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    head = (f"{at} [{event['pid']}] ", "dim")
    if event["kind"] == "dropped":
        print_line(head, (_dropped(event), "yellow"))
        return
    sender = f"  from {event['sender']}" if event["sender"] else ""
    if event["kind"] == "call":
        print_line(head, (event["signal"], "bold"), sender)
        _print_call(event)
        return
    print_line(head, (event["signal"], "bold"), sender, f"  {_ms(event['seconds'])}")
    for call in event["calls"]:
        _print_call(call)
    if event["error"]:
        print_line("  ", (f"ended by {event['error']}", "red"))


def _dropped(event: Event) -> str:
    count = "1 event was" if event["count"] == 1 else f"{event['count']} events were"
    return f"{count} dropped: {REASONS.get(event['reason'], event['reason'])}"


def _print_call(call: Event) -> None:
    outcome = call["outcome"]
    error = f"  {call['error']}" if call["error"] else ""
    print_line(
        "  ",
        (f"{outcome:<10}", STYLES.get(outcome, "green")),
        f"{_ms(call['seconds']):>10}  {call['delivery']:<10}  {call['receiver']}",
        (error, "red"),
    )


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.3f} ms"
