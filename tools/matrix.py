"""Run the whole suite on every CPython found, two at a time, each in its own environment.

The interpreter that runs this measures the coverage, and tests the wheel. It runs the suite
once more without Django, since Clarion has to work where Django is not installed, and there
without what is compiled, too; the Django door is also tested so. The doors are tested by it, by
the oldest and by the newest; what only uses Clarion, as the examples do, by the newest alone.
What a run prints goes to build/test/NAME.log, and is shown if the run fails.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from interpreters import find_by_minor

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
AT_ONCE = 2
FILLING = defaultdict[str, Lock](Lock)  # one for each environment, which may have several runs
BUILDING = Lock()  # two builds at once would write into one egg-info

PYTEST = "-m pytest -p no:cacheprovider"  # one cache between several runs would be nobody's
# The slowest tests of all, and of nothing in src/ that an interpreter could do differently.
ONCE = ("tests/benchmarks", "tests/examples", "tests/tools")
CLARION = " ".join([PYTEST, *(f"--ignore={folder}" for folder in ONCE)])
PLAIN = (CLARION,)
# The doors meet each framework in an older release on the oldest interpreter and in the newest
# on the newest: what lies between would meet the newest again.
BETWEEN = (f"{CLARION} --ignore=tests/integrations",)
AROUND = (" ".join([PYTEST, *ONCE]),)
# Django's own methods call the functions of the core by name; the others' doors do not.
DOORS = (f"{PYTEST} tests/integrations/django",)
# It does the same a hundred thousand times: measuring that doubles the time and tells nothing.
LOOPS = "tests/concurrency"
MEASURED = (
    "-m coverage erase",
    f"-m coverage run {CLARION} --ignore={LOOPS}",
    "-m coverage combine --quiet",
    "-m coverage report --skip-covered",
    f"{PYTEST} {LOOPS}",
    # Once is enough: what is built is the same everywhere.
    f"{PYTEST} -m wheel tests/tools/test_wheel.py",
)
# The last word of pytest and of coverage; a log that has neither is told by its last line.
SUMMARY = re.compile(r"^=+ (.* in .*?) =+$|^(TOTAL .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """The suite in one environment, with what is compiled or in pure Python."""

    environment: str
    base: Path
    commands: tuple[str, ...]
    pure: bool = False
    part: str = ""

    @property
    def name(self) -> str:
        """What to call it."""
        return "-".join(filter(None, [self.environment, "pure" * self.pure, self.part]))

    @property
    def log(self) -> Path:
        """The file that keeps what the run prints."""
        return LOGS / f"{self.name}.log"

    def go(self) -> bool:
        """Build the environment and run the commands in it; tell whether all went well."""
        python = f".venvs/{self.environment}/bin/python"
        with FILLING[self.environment]:
            built = self.make("filled")
        with BUILDING:
            built = built and self.make("ready")
        return built and all(self.call([python, *command.split()]) for command in self.commands)

    def make(self, what: str) -> bool:
        """Have `make` take the environment so far; tell whether it did."""
        return self.call(["make", f".venvs/{self.environment}/{what}", f"PYTHON={self.base}"])

    def call(self, command: list[str]) -> bool:
        """Run a program, add what it prints to the log, and tell whether it went well."""
        # A make that was started with -n must not hand that on to one of ours.
        environ = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        if self.pure:
            environ["CLARION_PURE"] = "1"
        with self.log.open("a") as log:
            done = subprocess.run(
                command, cwd=ROOT, env=environ, stdout=log, stderr=log, check=False
            )
        return done.returncode == 0

    def summary(self) -> str:
        """Say in one line how it went."""
        text = self.log.read_text(errors="replace")
        found = [" ".join((match[1] or match[2]).split()) for match in SUMMARY.finditer(text)]
        return "; ".join(found) or text.strip().rpartition("\n")[2]


def plan() -> list[Run]:
    """List the runs; the longest, which measures, goes first."""
    found = find_by_minor()
    ours, oldest, newest = sys.version_info.minor, min(found), max(found)
    measured, *others = found.items()
    others.sort(key=lambda other: other[0] not in (oldest, newest))
    return [
        Run(f"test-3.{measured[0]}", measured[1], MEASURED),
        *(
            Run(f"test-3.{minor}", path, PLAIN if minor in (oldest, newest) else BETWEEN)
            for minor, path in others
        ),
        Run(f"test-3.{newest}", found[newest], AROUND, part="once"),
        Run(f"bare-3.{ours}", found[ours], PLAIN, pure=True),
        Run(f"test-3.{ours}", found[ours], DOORS, pure=True),
    ]


def main() -> int:
    """Run all of it; return 1 if any run failed."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    start, failed, runs = time.perf_counter(), 0, plan()
    print("The suite runs in", ", ".join(run.name for run in runs), flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        going = {pool.submit(run.go): run for run in runs}
        for done in as_completed(going):
            run, went_well = going[done], done.result()
            failed += not went_well
            if not went_well:
                print(run.log.read_text(errors="replace"))
            print(f"{'ok' if went_well else 'FAILED':<7}{run.name:<15}{run.summary()}", flush=True)
    print(f"{len(runs) - failed} of {len(runs)} went well in {time.perf_counter() - start:.0f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
