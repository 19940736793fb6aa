"""Run the whole suite on every CPython found, each in its own environment, several runs at a time.

The newest interpreter runs the whole suite. The oldest one has older releases of the frameworks,
and runs all tests whose result depends on them. The interpreters in between run the tests of the
packages that need no framework, with SQLite. The interpreter that runs this script tests the wheel.
It also runs the suite without Django and without the compiled sends, because Clarion has to work
without both. The tests of the functions that replace Django's run without the compiled sends, too.
`make coverage` and `make extras` take longer, and are not run here. The output of a run goes to
build/test/NAME.log, and is printed if the run fails.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from interpreters import find_by_minor

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
PARALLEL_RUNS = 6  # on two cores, because a run often waits for a server or a program
ENVIRONMENT_LOCKS = defaultdict[str, Lock](
    Lock
)  # one per environment, which several runs may share
BUILD_LOCK = Lock()  # two builds at once would write into one egg-info

PYTEST = "-m pytest -p no:cacheprovider"  # parallel runs would overwrite each other's cache
# Slow or many tests whose results depend neither on the interpreter nor on a release of a
# framework. Those of programs start most of the processes.
PROGRAMS = (
    "tests/benchmarks",
    "tests/examples",
    "tests/first_time",
    "tests/test_apps.py",
    "tests/tools",
)
OTHERS = (
    "tests/background/test_conformance_celery.py",
    "tests/background/test_conformance_django_tasks.py",
    "tests/background/test_conformance_dramatiq.py",
    "tests/background/test_conformance_huey.py",
    "tests/background/test_conformance_procrastinate.py",
    "tests/background/test_conformance_rq.py",
    "tests/background/test_conformance_taskiq.py",
    "tests/cli",
    "tests/docs",
    "tests/house",
    "tests/integrations/django/outbox/management",
    "tests/integrations/django/outbox/test_admin.py",
    "tests/integrations/test_request_boundaries_servers.py",
    "tests/integrations/test_web_servers.py",
    "tests/outbox/test_fault_points.py",
    "tests/outbox/test_plans.py",
    "tests/scenarios",
    "tests/testing/test_plugin_reset.py",
    "tests/worker/test_crash.py",
    "tests/worker/test_disturbed.py",
    "tests/worker/test_faults.py",
    "tests/worker/test_full_disk.py",
)
ON_NEWEST = (*PROGRAMS, *OTHERS)
SUITE = " ".join([PYTEST, *(f"--ignore={path}" for path in ON_NEWEST)])
WHOLE = (SUITE,)
# The suite in two runs, which take about as long as each other.
INTEGRATIONS = (f"{SUITE} tests/integrations",)
REST = (f"{SUITE} --ignore=tests/integrations",)
# The interpreters in between have the newest releases of the frameworks and the drivers, as the
# newest one. The newest and the oldest one run the tests that need a server.
WITHOUT_SERVERS = "-m 'not (service or slow or engines or wheel)'"
IN_BETWEEN = (
    f"{SUITE} {WITHOUT_SERVERS} tests/core tests/commit tests/envelope tests/outbox tests/worker",
)
# Only these call functions of the core by name.
ONLY_DJANGO = (f"{PYTEST} tests/integrations/django/dispatch",)
# A build is the same on every interpreter.
WHEEL = (f"{PYTEST} -m wheel tests/tools/test_wheel.py",)
# The last line of each pytest; without one, the last line of the log is shown.
SUMMARY = re.compile(r"^=+ (.* in .*?) =+$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """The suite in one environment, with compiled sends or in pure Python."""

    environment: str
    base: Path
    commands: tuple[str, ...]
    pure: bool = False
    part: str = ""

    @property
    def name(self) -> str:
        """The name of the run."""
        return "-".join(filter(None, [self.environment, "pure" * self.pure, self.part]))

    @property
    def log(self) -> Path:
        """The file with the output of the run."""
        return LOGS / f"{self.name}.log"

    def go(self) -> bool:
        """Build the environment and run the commands in it; return whether all succeeded."""
        python = f".venvs/{self.environment}/bin/python"
        with ENVIRONMENT_LOCKS[self.environment]:
            built = self.make("filled")
        with BUILD_LOCK:
            built = built and self.make("ready")
        return built and all(
            self.call([python, *shlex.split(command)]) for command in self.commands
        )

    def make(self, what: str) -> bool:
        """Build a target of the environment with `make`; return whether it succeeded."""
        return self.call(["make", f".venvs/{self.environment}/{what}", f"PYTHON={self.base}"])

    def call(self, command: list[str]) -> bool:
        """Run a program, append its output to the log, and return whether it succeeded."""
        # The options of a calling make, such as -n, must not reach this one.
        environ = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        if self.pure:
            environ["CLARION_PURE"] = "1"
        with self.log.open("a") as log:
            done = subprocess.run(
                command, cwd=ROOT, env=environ, stdout=log, stderr=log, check=False
            )
        return done.returncode == 0

    def summary(self) -> str:
        """Return the result in one line."""
        text = self.log.read_text(errors="replace")
        found = [" ".join(match[1].split()) for match in SUMMARY.finditer(text)]
        return "; ".join(found) or text.strip().rpartition("\n")[2]


def plan() -> list[Run]:
    """Return the runs; the longest ones come first."""
    found = find_by_minor()
    ours, oldest, newest = sys.version_info.minor, min(found), max(found)
    whole = {
        minor: Run(f"test-3.{minor}", found[minor], INTEGRATIONS, part="integrations")
        for minor in sorted({newest, oldest})[::-1]
    }
    first, *others = whole.values()
    return [
        Run(first.environment, first.base, once(OTHERS), part="once"),
        *others,
        first,
        *(replace(run, commands=REST, part="") for run in whole.values()),
        Run(first.environment, first.base, once(PROGRAMS), part="programs"),
        *(
            Run(f"test-3.{minor}", path, IN_BETWEEN)
            for minor, path in found.items()
            if minor not in {oldest, newest}
        ),
        Run(f"bare-3.{ours}", found[ours], WHOLE, pure=True),
        Run(f"test-3.{ours}", found[ours], ONLY_DJANGO, pure=True),
        Run(f"test-3.{ours}", found[ours], WHEEL, part="wheel"),
    ]


def once(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command of tests that one interpreter runs."""
    return (" ".join([PYTEST, *paths]),)


def main() -> int:
    """Run the whole matrix; return 1 if any run failed."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    start, failed, runs = time.perf_counter(), 0, plan()
    print("The suite runs in", ", ".join(run.name for run in runs), flush=True)
    with ThreadPoolExecutor(PARALLEL_RUNS) as pool:
        going = {pool.submit(run.go): run for run in runs}
        for done in as_completed(going):
            run, succeeded = going[done], done.result()
            failed += not succeeded
            if not succeeded:
                print(run.log.read_text(errors="replace"))
            print(f"{'ok' if succeeded else 'FAILED':<7}{run.name:<24}{run.summary()}", flush=True)
    print(f"{len(runs) - failed} of {len(runs)} succeeded in {time.perf_counter() - start:.0f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
