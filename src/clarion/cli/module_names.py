"""Names of modules that begin with a text, found in folders. Nothing is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def module_names(incomplete: str) -> list[str]:
    """Return the modules whose dotted names begin with a text, and what a single package contains.

    The folders are the current one and those of PYTHONPATH, because the command imports from these. Installed
    packages are left out.
    """
    package, _, start = incomplete.rpartition(".")
    found = sorted(
        each for each in _modules_in(package) if each.rpartition(".")[2].startswith(start)
    )
    # A shell that has one answer adds a space after it. So the user could not type the rest of the name.
    return [*found, *sorted(_modules_in(found[0]))] if len(found) == 1 else found


def _modules_in(package: str) -> set[str]:
    """Return the modules and packages in a package; those at the top if the name is empty."""
    folders = [os.curdir, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    below = package.split(".") if package else []
    names = {name for folder in folders for name in names_in(Path(folder, *below))}
    return {f"{package}.{name}".lstrip(".") for name in names}


def names_in(folder: Path) -> Iterator[str]:
    """Yield the names of the modules and packages in a folder."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for each in entries:
        stem, extension = os.path.splitext(each.name)  # noqa: PTH122  # a name, not a path
        if not stem.isidentifier() or stem.startswith("__"):
            continue
        if extension == ".py" or (not extension and _has_modules(Path(each.path))):
            yield stem


def _has_modules(folder: Path) -> bool:
    """Return whether a folder has a Python file, or has one in a folder of its own."""
    return any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
