"""What to do if a module that a user names cannot be found or imported."""

from __future__ import annotations

import os
import re
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from clarion.cli.failures import CommandError
from clarion.cli.module_names import names_in
from clarion.errors import ClarionError
from clarion.listing import short_file

if TYPE_CHECKING:
    from types import TracebackType

# The modules whose lines in a traceback are not those of the program.
_INSIDE = ("clarion.", "importlib.", "runpy")

_SRC = "src"  # the folder of the packages in many projects

_RELATIVE = "attempted relative import with no known parent package"

# What Python raises if an option of Clarion is given to a Django that does not run on Clarion.
_DJANGO_REFUSES = re.compile(
    r"Signal\.connect\(\) got an unexpected keyword argument "
    r"'(delivery|priority|once|subclasses|inline|replace)'"
)


def cure_of_path(path: str) -> str:
    """Return what to write instead of a text that is no name of a module, such as the path of a file."""
    found = os.path.relpath(path).replace("\\", "/") if path else ""
    module = found.removesuffix(".py").removesuffix("/__init__")
    *folders, last = module.split("/")
    if last and not last.isidentifier() and Path(f"{module}.py").is_file():
        possible = re.sub(r"\W", "_", f"_{last}" if last[0].isdigit() else last)
        return f"Python cannot import a file that is named so. Rename it, for example to {possible}.py."
    if not all(each.isidentifier() for each in (*folders, last)):
        return _cure_of_another_folder(found) or "Write it with dots, such as shop.receivers."
    if folders and folders[0] == _SRC and not Path(_SRC, "__init__.py").exists():
        name = ".".join([*folders[1:], last])
        return f"Write it with dots, without {_SRC}: {name}. {_search_src()}".rstrip()
    return f"Write it with dots: {'.'.join([*folders, last])}."


def _cure_of_another_folder(path: str) -> str | None:
    """Return what to do with a module whose path leads out of the current directory; None if it is none."""
    file = Path(path).absolute()
    if not (file.suffix == ".py" and file.is_file() and path.startswith("..")):
        return None
    root = _root_of(file.resolve().parent)
    name = ".".join(file.resolve().with_suffix("").relative_to(root).parts)
    return f"Run the command in the directory {root}, and name {name.removesuffix('.__init__')}."


def _root_of(folder: Path) -> Path:
    """Return the folder in which the outermost package of a folder is; the folder itself if it is no package."""
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def _search_src() -> str:
    """Return what to do if a module is in the folder `src`, which Python does not search."""
    is_searched = os.path.abspath(_SRC) in map(os.path.abspath, sys.path)  # noqa: PTH100
    return "" if is_searched else f"Install the program, or set PYTHONPATH={_SRC}."


def cure_of_missing(name: str) -> str:
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
    return (
        _cure_inside(name) or "Run the command in the directory of the program, or set PYTHONPATH."
    )


def _cure_inside(name: str) -> str | None:
    """Return what to do if the current directory is in the package that was not found; None if it is not."""
    top = name.partition(".")[0]
    here = Path.cwd()
    found = next((each for each in (here, *here.parents) if each.name == top), None)
    return None if found is None else f"Run the command in the directory {found.parent}."


def broken(name: str, error: BaseException) -> CommandError:
    """Return the error of the command for what a module has raised when it was imported.

    Args:
        name: the module.
        error: what it has raised.
    """
    place = _place_of(error) if isinstance(error, ClarionError) else None
    if place is not None:
        return CommandError(f"The module {name} cannot be imported. {place}: {error}")
    shown = traceback.TracebackException.from_exception(
        error.with_traceback(_inside(error.__traceback__))
    )
    lines = [each for each in shown.stack if not each.filename.startswith("<frozen importlib")]
    shown.stack = traceback.StackSummary.from_list(lines)
    return CommandError(
        f"The module {name} raised {type(error).__name__} when it was imported. {_cure_of(name, error)}",
        "".join(shown.format()).rstrip(),
    )


def _place_of(error: BaseException) -> str | None:
    """Return the file and the line of the program where Clarion has refused something, or None."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not frame.f_globals.get("__name__", "").startswith(_INSIDE):
            found = f"{short_file(frame.f_code.co_filename)}:{line}"
    return found


def _cure_of(name: str, error: BaseException) -> str:
    # The class is found by its name, because the command loads no framework.
    if type(error).__module__ == "django.core.exceptions":
        return (
            "If Django is not set up, name a module that calls django.setup(), such as that of the WSGI "
            "application, or use manage.py clarion."
        )
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _cure_of_import(error.name)
    if str(error) == _RELATIVE:
        here = Path.cwd()
        return f"It belongs to a package. Run the command in {here.parent}, and name {here.name}.{name}."
    if isinstance(error, SystemExit):
        return "Let it end the program under `if __name__ == '__main__':` only."
    if _DJANGO_REFUSES.search(str(error)) is not None:
        return "Add 'clarion.integrations.django' to INSTALLED_APPS."
    return "Correct it."


def _cure_of_import(missing: str) -> str:
    """Return what to do if a module that the user's module imports was not found."""
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if f"{settings}.".startswith(f"{missing}."):
        return (
            "It is that of DJANGO_SETTINGS_MODULE. Set the variable to the settings of the project."
        )
    return _cure_inside(missing) or (
        f"Install {missing}, or run the command with the Python that has it: python -m clarion."
    )


def _inside(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that is in the user's code."""
    folder = os.path.dirname(__file__)  # noqa: PTH120  # a prefix of names
    ours = (folder, "<frozen importlib", "importlib/__init__.py")
    while trace is not None:  # nothing is left of a SyntaxError, which names its file itself
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(ours[:2]) and not file.endswith(ours[2]):
            break
        trace = trace.tb_next
    return trace
