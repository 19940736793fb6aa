"""What is examined: the packages of a program, and its databases."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from clarion.doctor.source import Source, is_of_interest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from clarion.outbox.database import Database

# Other programs import these: a test runner, Django, the interpreter.
_FOLDERS = {"tests", "test", "testing", "migrations"}
_FILES = {"__main__", "conftest", "tests", "manage", "setup"}


@dataclass(frozen=True)
class Program:
    """What is examined.

    Attributes:
        packages: the names of the packages and modules, which the program has imported.
        databases: the databases with stored deliveries that are read, too.
    """

    packages: Sequence[str] = ()
    databases: Sequence[Database] = field(default=())

    @cached_property
    def texts(self) -> dict[str, tuple[Path, str]]:
        """The source files of the packages, by the names of their modules."""
        found: dict[str, tuple[Path, str]] = {}
        for package in self.packages:
            for name, path in _files(package):
                with suppress(OSError, ValueError):
                    if path.suffix == ".py" and name not in found:
                        found[name] = path, path.read_text(encoding="utf-8")
        return found

    @cached_property
    def sources(self) -> list[Source]:
        """The source files that may connect receivers, also of modules that were not imported."""
        read = (
            _parsed(name, path, text)
            for name, (path, text) in self.texts.items()
            if is_of_interest(text)
        )
        return [each for each in read if each is not None]

    @property
    def imported(self) -> Iterator[Source]:
        """The source files of modules that were imported."""
        return (each for each in self.sources if each.name in sys.modules)

    def containing(self, word: str) -> Iterator[Source]:
        """Yield the source files whose text contains a word."""
        for name, (path, text) in self.texts.items():
            if word in text and (source := _parsed(name, path, text)) is not None:
                yield source

    def values(self) -> Iterator[object]:
        """Yield the values of the variables of imported modules."""
        for name in list(sys.modules):
            if any(f"{name}.".startswith(f"{each}.") for each in self.packages):
                yield from list(_variables_of(name).values())

    def imported_later(self, names: Collection[str]) -> set[str]:
        """Return which modules an imported module may import, itself or through others, also in a function.

        Args:
            names: the names of the modules.
        """
        if not names:
            return set()
        last = {each.rpartition(".")[2] for each in self.texts if each not in sys.modules}
        last.add("autodiscover")
        waiting = [each for each in self.texts if each in sys.modules]
        seen = set(waiting)
        for name in waiting:  # the loop appends to it
            path, text = self.texts[name]
            # To parse every file would take long.
            source = _parsed(name, path, text) if any(each in text for each in last) else None
            for found in () if source is None else self._imported_by(source):
                if found not in seen:
                    waiting.append(found)
                    seen.add(found)
        return seen.intersection(names)

    def _imported_by(self, source: Source) -> Iterator[str]:
        """Yield the modules among the source files that a file may import, and their packages."""
        for name in source.imported_modules():
            yield from (each for each in _with_parents(name) if each in self.texts)
        for name in set(source.discovered_modules()):
            whole = (name,) if "." in name and name in self.texts else ()
            yield from whole or (each for each in self.texts if each.endswith(f".{name}"))


def _with_parents(name: str) -> Iterator[str]:
    """Yield the name of a module, and those of the packages that are imported before it."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def package_of(module: str) -> str:
    """Return the outermost package of an imported module; the module itself if it has none.

    A folder without `__init__.py` does not count, because it may contain several programs.
    """
    found = module
    while (above := found.rpartition(".")[0]) and _file_of(above) is not None:
        found = above
    return found


def _file_of(name: str) -> str | None:
    file = _variables_of(name).get("__file__")
    return file if isinstance(file, str) else None


def _files(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of a module, of all in it, and of those beside it.

    In a folder without `__init__.py`, the modules beside it count too, unless they are programs themselves.
    """
    file = _file_of(name)
    if file is None:
        return
    yield name, Path(file)
    for place in _places_of(name):
        yield from _below(name, place, ())
    above = name.rpartition(".")[0]
    if above and _file_of(above) is None:
        for place in _places_of(above):
            yield from filter(_is_no_program, _in(above, place))


def _places_of(name: str) -> Iterable[str]:
    places: Iterable[str] = _variables_of(name).get("__path__", ())
    return places


def _in(package: str, folder: str) -> Iterator[tuple[str, Path]]:
    """Yield the names and the files of the modules in a folder, without its folders."""
    depth = package.count(".") + 1
    for name, path in _below(package, folder, ()):
        if name.count(".") == depth and path.name != "__init__.py":
            yield name, path


def _is_no_program(found: tuple[str, Path]) -> bool:
    """Return whether a file can be read, and has no part that runs if it is the main module."""
    try:
        return "__main__" not in found[1].read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _variables_of(name: str) -> dict[str, Any]:
    """Return the variables of an imported module; none if it was replaced by another object."""
    module: object = sys.modules.get(name)
    return vars(module) if issubclass(type(module), ModuleType) else {}


def _below(package: str, folder: str, above: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield the names and the files in a folder, unless a link leads back to it."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError:
        return
    for each in entries:
        stem, extension = os.path.splitext(each.name)  # noqa: PTH122  # a name, not a path
        if not stem.isidentifier():
            continue
        if extension == ".py" and stem != "__init__":
            if not (stem in _FILES or stem.startswith("test_") or stem.endswith("_test")):
                yield f"{package}.{stem}", Path(each.path)
        elif not extension and stem not in _FOLDERS:
            init = Path(each.path, "__init__.py")
            if init.is_file():
                yield f"{package}.{stem}", init
                yield from _below(f"{package}.{stem}", each.path, (*above, real))


def _parsed(name: str, path: Path, text: str) -> Source | None:
    """Return a source file; None if it is no Python."""
    try:
        return Source.of(name, str(path), text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
