"""Import the modules that a user names on the command line."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from importlib import import_module
from importlib.util import find_spec
from threading import Timer
from typing import TYPE_CHECKING

from clarion.cli.failures import CommandError
from clarion.cli.hints import print_hint
from clarion.cli.import_errors import broken, cure_of_missing, cure_of_path
from clarion.introspect import registrations, signals

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType

    from clarion.outbox import Database

# Whether a program that has imported its receivers runs the command, such as `manage.py clarion`.
is_in_program: ContextVar[bool] = ContextVar("clarion_cli_in_program", default=False)

# Opens a database by the name that the program gives it, such as an alias of Django's.
open_named: ContextVar[Callable[[str], Database] | None] = ContextVar(
    "clarion_cli_open_named", default=None
)

PATIENCE = 5.0  # seconds of an import, after which a hint is printed

_REFERENCE = re.compile(r"([^\W\d][\w.]*):([^\W\d][\w.]*)")
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def is_reference(text: str) -> bool:
    """Return whether a text has the form `module:object`."""
    return _REFERENCE.fullmatch(text) is not None


def names_database(text: str) -> bool:
    """Return whether an argument names a database, as a URL or as `module:object`."""
    return "://" in text or is_reference(text)


def import_named(name: str) -> ModuleType:
    """Import a module; the current directory is searched first.

    Raises:
        CommandError: if it does not exist, or raises an error.
    """
    if _MODULE.fullmatch(name) is None:
        module = name.partition(":")[0]
        cure = (
            f"Write it with dots, without an object: {module}."
            if is_reference(name)
            else cure_of_path(name)
        )
        raise CommandError(f"The name of a module cannot be read. {cure}")
    search_here()
    try:
        # The output of a command is read by programs.
        with redirect_stdout(sys.stderr), _hint_if_it_takes_long(name):
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise CommandError(
                f"No module {name} was found. {cure_of_missing(error.name)}"
            ) from None
        raise broken(name, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module that calls sys.exit() would end the command
        raise broken(name, error) from error


@contextmanager
def _hint_if_it_takes_long(name: str) -> Generator[None]:
    """Print a hint if an import does not end, as that of a module which runs a server."""
    text = (
        f"The import of {name} still runs. If it starts the program, such as a server, press Ctrl+C, and start "
        f"the program under `if __name__ == '__main__':`."
    )
    timer = Timer(PATIENCE, print_hint, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def search_here() -> None:
    """Let Python search the current directory, as it does for a script in it."""
    here = os.getcwd()  # noqa: PTH109  # as Python itself writes it in sys.path
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def is_module(name: str) -> bool:
    """Return whether a dotted name is that of a module. This imports the packages that contain it.

    Raises:
        CommandError: if such a package raises an error.
    """
    if _MODULE.fullmatch(name) is None:
        return False
    package = name.rpartition(".")[0]
    if package:
        if not is_module(package):
            return False
        import_named(package)
    search_here()
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # of a module that is no package, or has no __spec__
        return name in sys.modules


def import_all(names: list[str] | None, *, has_hints: bool = True) -> None:
    """Import the modules that connect receivers; what they print goes to standard error.

    Args:
        names: the modules.
        has_hints: whether a hint says that no receiver is connected after the import.

    Raises:
        CommandError: if one cannot be imported, or none is named and no program has imported its own.
    """
    if not names and not is_in_program.get():
        raise CommandError("Name a module that connects receivers, such as shop.receivers.")
    for each in names or ():
        import_named(each)
    if has_hints and names and not any(registrations(each) for each in signals()):
        print_hint(
            f"The import of {', '.join(names)} connects no receiver. Name the modules that have the "
            f"receivers. If a function imports them, such as create_app(), name a module that calls it."
        )
