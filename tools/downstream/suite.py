"""Run a suite in its modes, and compare them."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from downstream.environments import BUILD, INSIDE, Environment, clean_environ
from downstream.outcomes import Run, find_regressions, package_of, read_run

LINE = "{:<7} {:<10} {:<26} {:>6} {:>10} {:>18}"
HEAD = LINE.format("python", "release", "suite", "tests", "failures", "seconds")


@dataclass(frozen=True)
class Suite:
    """One suite in one environment.

    Args:
        name: its name in the table.
        release: the release of the suite.
        environment: where it runs.
        folder: the working directory.
        command: what follows the bootstrap: a script, or "-m" and a module, and arguments.
        modes: how it runs; the first one is without Clarion.
        environ: environment variables that it needs.
        known: the tests that may differ, each with the reason.
        by_package: whether the table has a line for each package.
    """

    name: str
    release: str
    environment: Environment
    folder: Path
    command: tuple[str, ...]
    modes: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    by_package: bool = False

    def run(self, mode: str) -> Run:
        """Run the suite in one mode."""
        outcome = BUILD / f"{self.environment.name}-{mode}.json"
        outcome.unlink(missing_ok=True)
        print(f"{self.environment.name}: {mode}", flush=True)
        bootstrap: list[Path | str] = [
            self.environment.python,
            INSIDE / "bootstrap.py",
            mode,
            outcome,
        ]
        with (log := outcome.with_suffix(".log")).open("w") as out:
            status = subprocess.call(
                [*bootstrap, *self.command],
                cwd=self.folder,
                env=clean_environ(**self.environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        return read_run(mode, outcome, log, status)


def find_worse(suite: Suite, runs: Mapping[str, Run]) -> Iterator[str]:
    """Yield a paragraph for each fault and each regression."""
    plain, *others = suite.modes
    for mode, run in runs.items():
        if run.fault:
            yield f"{suite.environment.name}, {run.fault}\n"
        if mode in others and run.tests:
            for name, detail in sorted(find_regressions(runs[plain], run, suite.known)):
                yield f"{suite.environment.name}, {mode}: {name}\n{detail}"


def tabulate(suite: Suite, runs: Mapping[str, Run], *, only_failing: bool) -> Iterator[str]:
    """Yield a line for each package, or for each with a failure, and one for the suite."""
    names = {name for run in runs.values() for name in run.tests}
    packages = sorted({package_of(name) for name in names}) if suite.by_package else []
    for package in [*packages, None]:
        failures = [run.failures(package) for run in runs.values()]
        if package and only_failing and not any(failures):
            continue
        seconds = [f"{run.seconds(package):.1f}" for run in runs.values()]
        yield LINE.format(
            f"3.{suite.environment.minor}",
            suite.release,
            package or suite.name,
            max(len(run.of(package)) for run in runs.values()),
            "/".join(map(str, failures)),
            "/".join(seconds),
        )
