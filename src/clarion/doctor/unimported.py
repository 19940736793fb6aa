"""Modules that connect receivers, and that nothing imports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clarion._core.commands import command_line
from clarion.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.program import Program

CODE = "W007"


def unimported_receivers(program: Program) -> Iterator[Finding]:
    """Yield the modules that connect receivers when they are imported, and that nothing imports.

    It leaves out a module that a function imports later.
    """
    waiting = [each for each in program.sources if each.name not in sys.modules]
    waiting = [each for each in waiting if each.connects_at_import]
    wanted = program.imported_later([each.name for each in waiting])
    for source in waiting:
        found = source.connects_at_import
        if source.name not in wanted:
            counted = "a receiver" if len(found) == 1 else f"{len(found)} receivers"
            yield Finding(
                CODE,
                source.name,
                f"The module {source.name} connects {counted}, and nothing imports it.",
                f"Import it where the program starts, for example with clarion.autodiscover. If "
                f"another program imports it, examine that one too: {command_line(f'doctor {source.name}')}.",
                source.file,
                found[0].line,
            )
