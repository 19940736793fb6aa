"""Count the instructions of a send; fail if they have grown: `python -m benchmarks.instructions`.

On a shared machine, a clock cannot detect a loss of a few per cent. Callgrind, Valgrind's
simulated processor, counts every instruction. The counts are compared as ratios to the hand
loop of the same run, because the ratio is the cost that Clarion adds. A baseline is valid for
the build of Python that it was stored on; the README explains why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import clarion
from benchmarks.counted import IDLE, SENDS
from benchmarks.peers import Clarion, Pure
from benchmarks.report import aligned, number
from clarion.introspect import dispatcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # The instructions of one turn of each program, and ratios of those.
    Counts = dict[str, float]
    Ratios = dict[str, float]

BASELINE = Path(__file__).with_suffix(".json")
PROGRAM = Path(__file__).with_name("counted.py")
TOLERATED = 0.03
# The hash seed decides which keys collide in a dictionary, which costs some per cent. The
# lowest count of several runs is the one without collisions.
SEEDS = ("0", "1", "2")

# The guarded programs, and the program by which each is divided.
WATCHED = {
    "send, no receiver": "empty method call",
    "send, 1 receiver": "hand loop, 1 receiver",
    "send, 5 receivers": "hand loop, 5 receivers",
    "send, 50 receivers": "hand loop, 50 receivers",
    "send, 5 methods held weakly": "hand loop, 5 methods",
    "send declared, 1 receiver": "hand loop, 1 receiver",
    "send_robust, 5 receivers": "hand loop, 5 receivers",
}
# The same sends, divided by the loop that a person writes for one signal.
LITERAL = {
    "send, 1 receiver": "literal loop, 1 receiver",
    "send, 5 receivers": "literal loop, 5 receivers",
    "send, 50 receivers": "literal loop, 50 receivers",
}


class CountError(Exception):
    """Callgrind did not count the requested programs."""


@dataclass(frozen=True)
class Line:
    """The result of one guarded program.

    Attributes:
        name: the program's name.
        by_hand: the name of the program by which it is divided.
        count: its number of instructions.
        ratio: the count divided by that of the hand loop.
        stored: the ratio of the baseline, or None.
    """

    name: str
    by_hand: str
    count: float
    ratio: float
    stored: float | None

    @property
    def key(self) -> str:
        """The name of the ratio in a baseline."""
        return stored_as(self.name, self.by_hand)

    @property
    def growth(self) -> float:
        """The relative growth; 0 without a baseline."""
        return 0.0 if self.stored is None else self.ratio / self.stored - 1

    def cells(self) -> list[str]:
        """Return a line of the table."""
        before = "-" if self.stored is None else f"{self.stored:.3f}"
        change = "-" if self.stored is None else f"{self.growth:+.1%}"
        count = number(self.count)
        return [self.name, self.by_hand, count, f"{self.ratio:.3f}", before, change]


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, and compare with the stored baselines."""
    options = parser().parse_args(arguments)
    if which("valgrind") is None:
        print("Valgrind is not installed, so no instructions are counted.")
        return 0
    if not dispatcher().is_compiled:
        print(f"Clarion is not compiled here: {dispatcher().reason}. Only pure Python is counted.")
    kinds = {"compiled": Clarion, "pure": Pure} if dispatcher().is_compiled else {"pure": Pure}
    baseline = stored()
    status = 0
    for kind, library in kinds.items():
        if options.write:
            baseline[key(kind)] = entry(least(kind, library.environment))
        elif key(kind) not in baseline:
            print(f"No baseline for {key(kind)}: nothing to compare; store one with --write.")
        else:
            status |= judge(kind, least(kind, library.environment), baseline[key(kind)])
    if options.write:
        text = json.dumps(dict(sorted(baseline.items())), indent=2)
        BASELINE.write_text(f"{text}\n", encoding="utf-8")
        print(f"Stored in {BASELINE}: {', '.join(map(key, kinds))}.")
    return status


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description="Count the instructions of a send, and fail if they have grown.",
    )
    made.add_argument("--write", action="store_true", help="store a new baseline")
    return made


def key(kind: str) -> str:
    """Return the name of the baseline for this minor version of Python."""
    major, minor, *_ = sys.version_info
    return f"{major}.{minor}{sys.abiflags} {platform.machine()} {kind}"


def stored() -> dict[str, Any]:
    """Return all baselines."""
    if not BASELINE.exists():
        return {}
    found: dict[str, Any] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return found


def entry(counts: Counts) -> dict[str, Any]:
    """Return a baseline to store; the version of Python helps to explain changes."""
    ratios = {line.key: round(line.ratio, 4) for line in compared(counts, {})}
    baselines = {*WATCHED.values(), *LITERAL.values()}
    by_hand = {name: round(counts[name]) for name in sorted(baselines)}
    return {"python": platform.python_version(), "by hand": by_hand, "ratios": ratios}


def drift(counts: Counts, by_hand: Mapping[str, float]) -> float:
    """Return the largest relative change of the hand loops."""
    return max((counts[name] / known - 1 for name, known in by_hand.items()), key=abs)


def compared(counts: Counts, before: Ratios) -> list[Line]:
    """Return the ratios to the hand loops, with the stored ratios."""
    return [
        Line(
            name,
            by_hand,
            counts[name],
            counts[name] / counts[by_hand],
            before.get(stored_as(name, by_hand)),
        )
        for name, by_hand in (*WATCHED.items(), *LITERAL.items())
    ]


def stored_as(name: str, by_hand: str) -> str:
    """Return the name of a ratio in a baseline."""
    return name if WATCHED[name] == by_hand else f"{name} / {by_hand}"


def judge(kind: str, counts: Counts, known: Mapping[str, Any]) -> int:
    """Print the table and the verdict; return 1 if a program has grown."""
    other = drift(counts, known["by hand"])
    if abs(other) > TOLERATED:
        print(
            f"The baseline for {key(kind)} is of another build of Python, {known['python']}: "
            f"here a hand loop differs by {other:+.1%}. Store one of this build with --write."
        )
        return 0
    lines = compared(counts, known["ratios"])
    header = [f"instructions, {kind}", "divided by", "count", "ratio", "stored", "change"]
    print(aligned([header, *(line.cells() for line in lines)]))
    grown = [line for line in lines if line.growth > TOLERATED]
    shrunk = [line for line in lines if line.growth < -TOLERATED]
    for line in grown:
        print(f"{line.key} has GROWN by {line.growth:.1%}; {TOLERATED:.0%} is tolerated.")
    for line in shrunk:
        print(f"{line.key} has shrunk by {-line.growth:.1%}.")
    if grown or shrunk:
        print("To accept the change, store a new baseline: make instructions ARGS=--write")
    return 1 if grown else 0


def least(kind: str, environment: Mapping[str, str]) -> Counts:
    """Count once for each seed; return the lowest count of each program."""
    counts = [counted(kind, {**environment, "PYTHONHASHSEED": seed}) for seed in SEEDS]
    return {name: min(each[name] for each in counts) for name in counts[0]}


def counted(kind: str, environment: Mapping[str, str]) -> Counts:
    """Run callgrind; return the instructions of one turn of each program.

    Raises:
        CountError: if callgrind fails, or counted another kind of Clarion.
    """
    with TemporaryDirectory(prefix="instructions-") as folder:
        run = subprocess.run(  # noqa: S603 - this very program
            command(folder),
            env=settled(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise CountError(f"Callgrind failed with status {run.returncode}.\n{run.stderr}")
        *lines, found = run.stdout.splitlines()
        if found != kind:
            raise CountError(f"The counted Clarion is {found} instead of {kind}.")
        totals = {
            name: [total(Path(folder, process)) for process in processes]
            for name, *processes in (line.split("\t") for line in lines)
        }
        return per_turn(totals)


def command(folder: str) -> list[str]:
    """Return the command that runs the programs under callgrind."""
    # The addresses of objects influence the lookup in dictionaries.
    fixed = ["setarch", "-R"] if can_fix_addresses() else []
    output = f"--callgrind-out-file={folder}/%p"
    # Without `site`, so that other installed packages have no influence.
    return [
        *fixed,
        "valgrind",
        "-q",
        "--tool=callgrind",
        output,
        sys.executable,
        "-S",
        str(PROGRAM),
    ]


def can_fix_addresses() -> bool:
    """Return whether a program can get the same addresses in each run on this system."""
    if which("setarch") is None:
        return False
    return subprocess.run(["setarch", "-R", "true"], check=False).returncode == 0  # noqa: S607


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the settings of Python and Clarion."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("PYTHON", "CLARION_"))
    }
    places = [Path(clarion.__file__).parents[1], PROGRAM.parents[1]]
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, places)), **environment}


def total(output: Path) -> int:
    """Return the total of instructions in an output file of callgrind."""
    for line in output.read_text(encoding="utf-8").splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    raise CountError(f"Callgrind wrote no total into {output.name}.")


def per_turn(totals: Mapping[str, Sequence[int]]) -> Counts:
    """Return the instructions of one turn of each program; `counted.py` explains how."""
    _, before, after = totals[IDLE]
    step = after - before
    return {
        name: (twice - once - step) / SENDS
        for name, (once, twice, *_) in totals.items()
        if name != IDLE
    }


if __name__ == "__main__":
    sys.exit(main())
