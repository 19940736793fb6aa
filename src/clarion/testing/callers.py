"""Find out which code connects: the import of a module, a test, or the program."""

from __future__ import annotations

import os
import sys
import sysconfig
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import FrameType

_IMPORT = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
_OURS = str(Path(__file__).parents[1]) + os.sep
_STANDARD_LIBRARY = sysconfig.get_path("stdlib") + os.sep
# The files in which Django passes a connect on, perhaps when a model is loaded.
_DJANGO = tuple(
    f"{os.sep}django{os.sep}{place}".replace("/", os.sep)
    for place in ("dispatch/dispatcher.py", "db/models/signals.py", "apps/registry.py")
)
_FOLDERS = {"test", "tests"}


def imports() -> list[FrameType]:
    """Return the frames of the imports that are running in this thread."""
    return [frame for frame in _frames() if frame.f_code.co_filename in _IMPORT]


def is_importing(outer: Collection[int]) -> bool:
    """Return whether an import is running whose frame has none of these ids."""
    return any(id(frame) not in outer for frame in imports())


class TestFiles:
    """The files of tests, as pytest finds them.

    Args:
        root: the directory of the project.
        patterns: the names of test files.
    """

    __test__ = False

    def __init__(self, root: Path, patterns: Sequence[str]) -> None:
        self._root = root
        self._patterns = (*patterns, "conftest.py")
        self._contains = cache(self._match)

    def is_calling(self, test: Path) -> bool:
        """Return whether the code that connects or disconnects belongs to a test.

        Args:
            test: the file of the running test.
        """
        for frame in _frames():
            file = frame.f_code.co_filename
            if file == str(test) or file.startswith("<doctest") or _is_of_pytest(file):
                return True
            if not _passes_on(file):
                return self._contains(file)
        return True  # a thread that runs only code of libraries

    def _match(self, file: str) -> bool:
        path = Path(file)
        if any(fnmatch(path.name, pattern) for pattern in self._patterns):
            return True
        return path.is_relative_to(self._root) and not _FOLDERS.isdisjoint(
            path.relative_to(self._root).parts[:-1]
        )


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        yield frame
        frame = frame.f_back


@cache
def _passes_on(file: str) -> bool:
    """Return whether the code of a file only calls functions that other code passes to it."""
    in_library = file.startswith(_STANDARD_LIBRARY) and "-packages" not in file
    return in_library or file.startswith(("<", _OURS)) or file.endswith(_DJANGO)


@cache
def _is_of_pytest(file: str) -> bool:
    return "_pytest" in Path(file).parts
