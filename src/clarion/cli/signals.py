"""`clarion ls` and `clarion explain`: what is connected, and what a send would call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clarion.cli.completion import complete_explained, complete_senders, complete_signals
from clarion.cli.failures import CommandError
from clarion.cli.hints import explain_empty
from clarion.cli.imports import import_all, is_in_program, is_module
from clarion.cli.options import (
    EveryOption,
    FileFilter,
    JsonOption,
    ModulesOfReceivers,
    ReceiverFilter,
    SenderFilter,
    SignalFilter,
)
from clarion.cli.output import (
    print_json,
    print_line,
    print_sentences,
    print_tables,
    reporting,
)
from clarion.cli.tables import Column
from clarion.introspect import Explanation, explain, registrations, signal_name
from clarion.listing import (
    NO_TEXT,
    Filters,
    Listed,
    did_you_mean,
    facts_of,
    label_of,
    list_signals,
    named_signals,
    options_of,
    place_of,
    sender_of,
    some_of,
)

if TYPE_CHECKING:
    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.introspect import Verdict

COLUMNS = (
    Column("receiver"),
    Column("sender"),
    Column("runs", style="cyan"),
    Column("place", style="dim"),
)


@reporting()
def ls(
    modules: ModulesOfReceivers = None,
    signal: SignalFilter = "",
    sender: SenderFilter = "",
    receiver: ReceiverFilter = "",
    file: FileFilter = "",
    every: EveryOption = False,
    json: JsonOption = False,
) -> None:
    """List the signals and their receivers, in the order of a send."""
    import_all(modules)
    filters = Filters(signal, sender, receiver, file)
    listed = [
        Listed(name, [each for each in found if filters.allow_registration(each)])
        for name, found in list_signals([signal] if signal else [])
    ]
    listed = [each for each in listed if each.receivers or every]
    if json:
        print_json([{"signal": name, "receivers": [*map(facts_of, each)]} for name, each in listed])
    else:
        _print_listed(listed)
    if not listed:
        explain_empty(filters, every=every)


def _print_listed(listed: list[Listed]) -> None:
    print_tables(COLUMNS, ((name, map(_row, found)) for name, found in listed))
    count = sum(len(each.receivers) for each in listed)
    print_line(f"{_counted(len(listed), 'signal')}, {_counted(count, 'receiver')}.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _row(registration: Registration) -> tuple[str, ...]:
    mode = "async" if registration.is_async else "sync"
    priority = f"priority {registration.priority}" if registration.priority else ""
    runs = ", ".join(filter(None, [mode, priority, *options_of(registration)]))
    return (registration.name, sender_of(registration) or "any", runs, place_of(registration))


@reporting()
def explain_command(
    modules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODULE",
            help="The modules that connect the receivers, and the signal: shop.receivers order_paid.",
            show_default=False,
            autocompletion=complete_explained,
        ),
    ] = None,
    signal: Annotated[
        str | None,
        typer.Option(
            "--signal",
            "-s",
            metavar="NAME",
            help="The dotted name of the signal, or its end.",
            autocompletion=complete_signals,
            show_default=False,
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(
            "--sender",
            "-S",
            metavar="NAME",
            help="The name of a sender that a receiver is connected for; by default none.",
            autocompletion=complete_senders,
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show which receivers a send would call, and why not the others."""
    named, modules = (signal, modules) if signal is not None else _split(modules or [])
    import_all(modules)
    found = _signal_named(named)
    shown = explain(found, None if sender is None else _sender_named(found, sender))
    if json:
        print_json(_as_json(shown))
    else:
        print_sentences(str(shown))
        if any(each.when for each in shown.heard):
            print_sentences(
                "This is a send outside a transaction. Call clarion.introspect.explain at the send to see "
                "its transaction."
            )


def _split(names: list[str]) -> tuple[str, list[str]]:
    """Return the signal and the modules, if the signal stands after the modules or has one in its name.

    Raises:
        CommandError: if no signal is named.
    """
    if not names or is_module(names[-1]):
        import_all(names)
        raise CommandError(
            f"Name the signal, after the modules or with --signal. {_signals_with_receivers()}"
        )
    *modules, signal = names
    owner = signal.rpartition(".")[0]
    if not modules and not is_in_program.get() and is_module(owner):
        modules = [owner]
    return signal, modules


def _is_named(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith(f".{wanted}")


def _signal_named(wanted: str) -> Signal:
    """Return the signal with a name.

    Raises:
        CommandError: if no signal has it, or several have.
    """
    found = {name: each for name, each in named_signals() if _is_named(name, wanted)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise CommandError(f"Several signals have this name: {', '.join(sorted(found))}.")
    close = did_you_mean(wanted, (name for name, _ in named_signals()))
    raise CommandError(
        f"No signal has the name {wanted or NO_TEXT}. {close}{_signals_with_receivers()}"
    )


def _signals_with_receivers() -> str:
    known = some_of(name for name, each in named_signals() if registrations(each))
    return f"Those with receivers are: {known}."


def _sender_named(signal: Signal, wanted: str) -> object:
    """Return a sender by its name, from those that receivers are connected for.

    Raises:
        CommandError: if no receiver is connected for a sender of this name.
    """
    senders: dict[str, object] = {}
    labels: dict[str, object] = {}
    for each in registrations(signal):
        if (name := sender_of(each)) is not None:
            senders[name.strip("'")] = each.sender
            labels[label_of(each)] = each.sender
    found = [sender for name, sender in senders.items() if _is_named(name, wanted)]
    if not found and wanted and wanted in labels:
        return labels[wanted]
    if len(found) == 1:
        return found[0]
    known = (
        f"Receivers are connected for: {some_of(senders)}."
        if senders
        else "Its receivers are connected for any sender: leave --sender out."
    )
    raise CommandError(
        f"{'No' if not found else 'More than one'} sender of {signal_name(signal)} has the name "
        f"{wanted or NO_TEXT}. {did_you_mean(wanted, senders)}{known}"
    )


def _as_json(shown: Explanation) -> dict[str, object]:
    def verdict(each: Verdict) -> dict[str, object]:
        file, line = each.registration.place or (None, None)
        return {
            "receiver": each.name,
            "file": file,
            "line": line,
            "reason": each.reason,
            "when": each.when or None,
        }

    return {
        "signal": signal_name(shown.signal),
        "calls": [verdict(each) for each in shown.heard],
        "does_not_call": [verdict(each) for each in shown.unheard],
    }
