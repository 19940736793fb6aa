"""Imports, each in a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from benchmarks.cases import Case, Pair, against

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers import Library

UNWRITTEN = "PYTHONDONTWRITEBYTECODE"

PROGRAM = """\
from time import process_time
started = process_time()
import {module}
print(process_time() - started)
"""


class Importing:
    """Time an import in a new interpreter, without the interpreter's start.

    Bytecode is stored in a separate folder, even if the environment turns off writing it. The
    first import compiles and is not a sample; all others use the stored bytecode.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        """Make the folder, which is removed with this object."""
        folder = mkdtemp(prefix="benchmarks-")
        weakref.finalize(self, rmtree, folder)
        kept = {name: text for name, text in os.environ.items() if name != UNWRITTEN}
        self._environment = {**kept, "PYTHONPYCACHEPREFIX": folder, **environment}
        self._command = [sys.executable, "-c", PROGRAM.format(module=module)]

    def __call__(self, times: int) -> float:
        """Import `times` times; return the seconds that this took."""
        return sum(self._once() for _ in range(times))

    def _once(self) -> float:
        output = subprocess.check_output(self._command, env=self._environment)  # noqa: S603
        return float(output)


def imports(libraries: Sequence[Library]) -> list[Pair]:
    """Import each library, and json."""
    baseline = Importing("json", {})
    baseline(1)
    runs = [(each, Importing(each.module, each.environment)) for each in libraries]
    for _, run in runs:
        run(1)
    return against(baseline, runs)


CASES = [Case("import clarion", "import json", 1.5, imports)]
