"""Import the modules that a user names on the command line."""

from __future__ import annotations

import os
import re
import sys
import traceback
from contextlib import redirect_stdout
from contextvars import ContextVar
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from clarion.cli.failures import CommandError
from clarion.cli.hints import print_hint
from clarion.cli.module_names import names_in
from clarion.errors import ClarionError
from clarion.introspect import registrations, signals
from clarion.listing import short_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType

    from clarion.outbox import Database

# Whether a program that has imported its receivers runs the command, such as `manage.py clarion`.
is_in_program: ContextVar[bool] = ContextVar("clarion_cli_in_program", default=False)

# Opens a database by the name that the program gives it, such as an alias of Django's.
open_named: ContextVar[Callable[[str], Database] | None] = ContextVar(
    "clarion_cli_open_named", default=None
)

# The modules whose lines in a traceback are not those of the program.
_INSIDE = ("clarion.", "importlib.", "runpy")

_REFERENCE = re.compile(r"([^\W\d][\w.]*):([^\W\d][\w.]*)")
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
# The path of a source file or a package below the current directory, whose module can be named.
_PATH = re.compile(r"([^\W\d]\w*(?:[/\\][^\W\d]\w*)*)(?:\.py|[/\\]?)")
_SRC = "src"  # the folder of the packages in many projects

# What Python raises if an option of Clarion is given to a Django that does not run on Clarion.
_DJANGO_REFUSES = re.compile(
    r"Signal\.connect\(\) got an unexpected keyword argument "
    r"'(delivery|priority|once|subclasses|inline|replace)'"
)


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
        raise CommandError(
            f"The name of a module cannot be read. Write it with dots{_with_dots(name)}."
        )
    search_here()
    try:
        with redirect_stdout(sys.stderr):  # the output of a command is read by programs
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise CommandError(
                f"No module {name} was found. {_cure_of_missing(error.name)}"
            ) from None
        raise _broken(name, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module that calls sys.exit() would end the command
        raise _broken(name, error) from error


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


def _with_dots(path: str) -> str:
    """Return the rest of a sentence: the module of a path, or an example."""
    if is_reference(path):
        return f", without an object: {path.partition(':')[0]}"
    found = _PATH.fullmatch(os.path.relpath(path)) if path else None
    if found is None:
        return ", such as shop.receivers"
    parts = re.split(r"[/\\]", found[1].removesuffix("__init__").rstrip("/\\"))
    if len(parts) > 1 and parts[0] == _SRC and not Path(_SRC, "__init__.py").exists():
        return f", without {_SRC}: {'.'.join(parts[1:])}. {_search_src()}".rstrip(" .")
    return f": {'.'.join(parts)}"


def _search_src() -> str:
    """Return what to do if a module is in the folder `src`, which Python does not search."""
    is_searched = os.path.abspath(_SRC) in map(os.path.abspath, sys.path)  # noqa: PTH100
    return "" if is_searched else f"Install the program, or set PYTHONPATH={_SRC}."


def _cure_of_missing(name: str) -> str:
    """Return what to do if a module, or a package that has it, was not found."""
    package, _, last = name.rpartition(".")
    if last == "py":
        return f"Write it without .py: {package}."
    if not package and name in names_in(Path(_SRC)):
        return f"It is in the folder {_SRC}. {_search_src()}".rstrip()
    if package in sys.modules and not hasattr(sys.modules[package], "__path__"):
        return f"{package} is a module, and no package. Name {package}."
    path = getattr(sys.modules.get(package), "__path__", None) if package else [os.getcwd()]  # noqa: PTH109
    known = (
        [each.name for each in iter_modules(path) if not each.name.startswith("_")] if path else []
    )
    if close := get_close_matches(last, known, n=1):
        return f"Did you mean {f'{package}.{close[0]}'.lstrip('.')}?"
    return "Run the command in the directory of the program, or set PYTHONPATH."


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


def _broken(name: str, error: BaseException) -> CommandError:
    place = _place_of(error) if isinstance(error, ClarionError) else None
    if place is not None:
        return CommandError(f"The module {name} cannot be imported. {place}: {error}")
    shown = error.with_traceback(_inside(error.__traceback__))
    return CommandError(
        f"The module {name} raised {type(error).__name__} when it was imported. {_cure_of(error)}",
        "".join(traceback.format_exception(shown)).rstrip(),
    )


def _place_of(error: BaseException) -> str | None:
    """Return the file and the line of the program where Clarion has refused something, or None."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not frame.f_globals.get("__name__", "").startswith(_INSIDE):
            found = f"{short_file(frame.f_code.co_filename)}:{line}"
    return found


def _cure_of(error: BaseException) -> str:
    # The class is found by its name, because the command loads no framework.
    kind = type(error)
    if kind.__module__ == "django.core.exceptions":
        return (
            "If Django is not set up, name a module that calls django.setup(), such as that of the WSGI "
            "application, or use manage.py clarion."
        )
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else ""
    if missing and f"{settings}.".startswith(f"{missing}."):
        return (
            "It is that of DJANGO_SETTINGS_MODULE. Set the variable to the settings of the project."
        )
    if _DJANGO_REFUSES.search(str(error)) is not None:
        return "Add 'clarion.integrations.django' to INSTALLED_APPS."
    return "Correct it."


def _inside(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that is in the user's code."""
    ours = (__file__, "<frozen importlib", "importlib/__init__.py")
    while trace is not None:  # nothing is left of a SyntaxError, which names its file itself
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(ours[:2]) and not file.endswith(ours[2]):
            break
        trace = trace.tb_next
    return trace
