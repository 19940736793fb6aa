"""Import the modules that a user names on the command line."""

from __future__ import annotations

import os
import re
import sys
import traceback
from contextlib import redirect_stdout
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from clarion.cli.failures import CommandError
from clarion.cli.output import print_sentences
from clarion.introspect import registrations, signals

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

    from clarion.outbox import Database

# Whether a program that has imported its receivers runs the command, such as `manage.py clarion`.
is_in_program: ContextVar[bool] = ContextVar("clarion_cli_in_program", default=False)

_REFERENCE = re.compile(r"([^\W\d][\w.]*):([^\W\d][\w.]*)")
_MODULE = re.compile(r"[^\W\d][\w.]*")
# The path of a source file below the current directory, whose module can be named.
_PATH = re.compile(r"(?:\.[/\\])?([^\W\d]\w*(?:[/\\][^\W\d]\w*)*)\.py")
# What Python raises if an option of Clarion is given to a Django that does not run on Clarion.
_DJANGO_REFUSES = re.compile(
    r"Signal\.connect\(\) got an unexpected keyword argument "
    r"'(delivery|priority|once|subclasses|inline|replace)'"
)


def is_reference(text: str) -> bool:
    """Return whether a text has the form `module:object`."""
    return _REFERENCE.fullmatch(text) is not None


def import_named(name: str) -> ModuleType:
    """Import a module; the current directory is searched first.

    Raises:
        CommandError: if it does not exist, or raises an error.
    """
    if _MODULE.fullmatch(name) is None:
        path = _PATH.fullmatch(name)
        dotted = ", such as shop.receivers" if path is None else f": {_with_dots(path[1])}"
        raise CommandError(f"The name of a module cannot be read. Write it with dots{dotted}.")
    here = os.getcwd()  # noqa: PTH109  # as Python itself writes it in sys.path
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise CommandError(
                f"No module {name} was found. Run the command in the directory of the program, or "
                f"set PYTHONPATH."
            ) from None
        raise _broken(name, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module that calls sys.exit() would end the command
        raise _broken(name, error) from error


def _with_dots(path: str) -> str:
    return re.sub(r"[/\\]", ".", path)


def import_all(names: list[str] | None) -> None:
    """Import the modules that connect receivers; what they print goes to standard error.

    If no receiver is connected after the import, a hint says so.

    Raises:
        CommandError: if one cannot be imported, or none is named and no program has imported its own.
    """
    if not names and not is_in_program.get():
        raise CommandError("Name a module that connects receivers, such as shop.receivers.")
    with redirect_stdout(sys.stderr):  # the output of a command is read by programs
        for each in names or ():
            import_named(each)
    if names and not any(registrations(each) for each in signals()):
        print_sentences(
            f": The import of {', '.join(names)} connects no receiver. Name the modules that have the "
            f"receivers. If a function imports them, such as create_app(), name a module that calls it.",
            ("hint", "bold yellow"),
            sys.stderr,
        )


def import_database(reference: str) -> Database:
    """Return the database of `module:object`, such as `shop.db:database`.

    Raises:
        CommandError: if there is no such object, or if it is no database.
    """
    module, _, path = reference.partition(":")
    found: Any = import_named(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if not all(hasattr(found, each) for each in ("connect", "transaction", "dialect")):
        raise CommandError(
            f"{reference} is no database of an outbox. Name an object that "
            f"clarion.outbox.open_database() or an integration has returned, such as "
            f"clarion.integrations.sqlalchemy.EngineDatabase(engine)."
        )
    return cast("Database", found)


def _broken(name: str, error: BaseException) -> CommandError:
    shown = error.with_traceback(_inside(error.__traceback__))
    return CommandError(
        f"The module {name} raised {type(error).__name__} when it was imported. {_cure_of(error)}",
        "".join(traceback.format_exception(shown)).rstrip(),
    )


def _cure_of(error: BaseException) -> str:
    # The class is found by its name, because the command loads no framework.
    kind = type(error)
    if kind.__module__ == "django.core.exceptions":
        return (
            "If Django is not set up, name a module that calls django.setup(), such as that of the WSGI "
            "application, or use manage.py clarion."
        )
    if _DJANGO_REFUSES.search(str(error)) is not None:
        return "Add 'clarion.integrations.django' to INSTALLED_APPS."
    return "Correct it."


def _inside(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that is in the user's code."""
    ours = (__file__, "<frozen importlib", "importlib/__init__.py")
    while trace is not None and trace.tb_next is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(ours[:2]) and not file.endswith(ours[2]):
            break
        trace = trace.tb_next
    return trace
