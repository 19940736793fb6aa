"""Check pages, drawings and the built reference: `PYTHONPATH=tools python -m documentation`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from documentation import faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from documentation.faults import Fault

ROOT = Path(__file__).parents[2]


def found(root: Path, built: Path | None) -> Iterator[Fault]:
    """Yield all faults of a checkout, and of the documentation that was built from it."""
    for path in sorted((root / "docs").rglob("*.md")):
        yield from faults.of_page(path)
    for path in sorted(root.glob("*.md")):
        yield from faults.of_page(path, is_built=False)
    for path in sorted([*(root / "docs").rglob("*.svg"), *(root / "benchmarks").glob("*.svg")]):
        yield from faults.of_drawing(path)
    for path in sorted((root / "docs").rglob("*.css")):
        yield from faults.of_stylesheet(path)
    for path in sorted((built / "reference").rglob("*.html")) if built else ():
        yield from faults.of_built_page(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the faults; return 1 if there are any."""
    parser = ArgumentParser(prog="python -m documentation", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--built", type=Path, help="the folder that Sphinx has written to")
    chosen = parser.parse_args(arguments)
    every = [*found(chosen.root, chosen.built)]
    for fault in every:
        print(fault, file=sys.stderr)
    return 1 if every else 0


if __name__ == "__main__":
    sys.exit(main())
