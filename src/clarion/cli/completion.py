"""Complete the names of modules, signals, senders and receivers in a shell.

Only the modules that the command line names so far are imported. An error completes nothing, because a message would
appear in the middle of the line that the user types.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import typer  # noqa: TC002  # Typer reads the annotations

from clarion._core.printable import safe
from clarion.cli.bash_words import kept_beginning
from clarion.cli.imports import import_all, import_named, is_module, names_database
from clarion.cli.module_names import module_names
from clarion.introspect import registrations, signals
from clarion.listing import named_signals, sender_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

VARIABLE = "_CLARION_COMPLETE"  # set by the shell's script while it asks for completions


def is_completing() -> bool:
    """Return whether the shell asks for completions, and no command runs."""
    return VARIABLE in os.environ


def complete_modules(incomplete: str) -> list[str]:
    """Return the names of modules that begin with a text."""
    return module_names(incomplete)


def complete_explained(context: typer.Context, incomplete: str) -> list[str]:
    """Return the modules and the signals that begin with a text.

    The signals are those of the modules on the line, or of the module that the text begins with.
    """
    owner = incomplete.rpartition(".")[0]

    def names() -> Iterable[str]:
        if not modules and not (owner and is_module(owner)):
            return ()
        for each in modules or [owner]:
            import_named(each)
        return (name for name, _ in named_signals())

    modules = _modules_of(context)
    return [*module_names(incomplete), *complete(incomplete, names)]


def complete_signals(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of signals that begin with a text, or whose last parts do."""
    return _complete_of_modules(context, incomplete, lambda: (name for name, _ in named_signals()))


def complete_senders(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of senders that begin with a text, or whose last parts do."""

    def names() -> Iterable[str]:
        found = (sender_of(each) for signal in signals() for each in registrations(signal))
        return (name.strip("'") for name in found if name is not None)

    return _complete_of_modules(context, incomplete, names)


def complete_receivers(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of receivers that begin with a text, or whose last parts do."""

    def names() -> Iterable[str]:
        return (each.name for signal in signals() for each in registrations(signal))

    return _complete_of_modules(context, incomplete, names)


def complete_durable(context: typer.Context, incomplete: str) -> list[str]:
    """Return the stored names of durable receivers that begin with a text."""

    def names() -> Iterable[str]:
        from clarion.outbox.receivers import connected_receivers  # other names need no outbox

        return connected_receivers()

    return _complete_of_modules(context, incomplete, names)


def _complete_of_modules(
    context: typer.Context, incomplete: str, names: Callable[[], Iterable[str]]
) -> list[str]:
    def imported() -> Iterable[str]:
        import_all(_modules_of(context), has_hints=False)
        return names()

    return complete(incomplete, imported)


def complete(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    """Return the names that begin with a text; none if an error prevents it. Nothing is printed.

    Args:
        incomplete: the text.
        names: returns all names.
    """
    before = sys.stdout, sys.stderr
    try:
        with (
            open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
        ):
            kept = kept_beginning()
            found = completions(names(), f"{kept}{incomplete}")
            return [each[len(kept) :] for each in found]
    except BaseException:  # noqa: BLE001  # whatever the user's modules raise
        sys.stdout, sys.stderr = before
        return []


def _modules_of(context: typer.Context) -> list[str]:
    """Return the modules that the command line names so far."""
    # Typer has some of them in `args` if the last option has no value yet.
    named = [*(context.params.get("modules") or ()), *context.args]
    return [each for each in named if not names_database(each)]


def completions(names: Iterable[str], incomplete: str) -> list[str]:
    """Return the names that begin with a text; if none does, the last parts of names that do."""
    known = sorted({safe(each) for each in names})
    whole = [each for each in known if each.startswith(incomplete)]
    ends = {
        end for each in known for end in _ends(each) if incomplete and end.startswith(incomplete)
    }
    return whole or sorted(ends)


def _ends(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[number:]) for number in range(1, len(parts))]
