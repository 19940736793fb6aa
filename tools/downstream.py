"""Run Django's own test suite, unmodified, with its signals dispatched by Clarion.

Each pair of a Python and a Django gets an environment and Django's source distribution
from the package index. The requested packages then run in three modes: plain Django,
Clarion by `install()`, Clarion in INSTALLED_APPS. A test is a regression if it fails only
with Clarion, or does not run any more. A regression is printed with its traceback, and the
exit status is 1. The status is also 1 if Clarion did not dispatch in every test of its
runs. Logs: build/downstream.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interpreters import find_by_minor, probe

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "downstream"
BOOTSTRAP = Path(__file__).with_name("downstream_bootstrap.py")
SUPPORTED = {"5.2": (11,), "6.1": (12, 13, 14)}  # Django: minor versions of Python
PACKAGES = ("dispatch", "signals", "m2m_signals")
MODES = ("plain", "install", "app")
EXCLUDED = re.compile("pylibmc|pywatchman|#|$")  # need C libraries; the suite skips their tests
LINE = "{:<7} {:<7} {:<28} {:>6} {:>10} {:>20}"
HEAD = LINE.format("python", "django", "package", "tests", "failures", "seconds")


@dataclass(frozen=True)
class Pair:
    """One Python and one Django, and the environment that holds both."""

    minor: int
    python: Path
    django: str

    @property
    def name(self) -> str:
        """The name of the pair's files."""
        return f"django{self.django}-py3.{self.minor}"

    @property
    def venv(self) -> Path:
        """The pair's environment."""
        return ROOT / ".venvs" / f"downstream-{self.name}"

    def pip(self, *arguments: str | Path) -> None:
        """Run the environment's pip, quietly unless it fails."""
        command = [self.venv / "bin" / "python", "-m", "pip", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{done.args}\n{done.stdout}{done.stderr}")


@dataclass
class Run:
    """The result of one mode: each test by name, and the fault of the whole run, if any."""

    tests: dict[str, dict[str, Any]] = field(default_factory=dict)
    django: str = "?"
    fault: str = ""

    def of(self, package: str) -> list[dict[str, Any]]:
        """Return the tests of one package, or all of them for the empty name."""
        return [test for name, test in self.tests.items() if package in {"", package_of(name)}]


def find_pairs(found: dict[int, Path], django: str | None, *, force: bool) -> list[Pair]:
    """Pair each Python with its promised Django; `force` also takes the requested one."""
    return [
        Pair(minor, python, version)
        for version, promised in SUPPORTED.items()
        for minor, python in sorted(found.items())
        if django in {None, version} and (minor in promised or (force and django))
    ]


def unpack_django(pair: Pair) -> Path:
    """Download Django's source distribution once, and unpack a new copy for this pair."""
    pattern = f"[Dd]jango-{pair.django}*.tar.gz"
    if not any(BUILD.glob(pattern)):
        unbuilt = "--no-deps", "--no-binary=django", f"django~={pair.django}.0"
        pair.pip("download", "--dest", BUILD, *unbuilt)
    shutil.rmtree(BUILD / pair.name, ignore_errors=True)
    with tarfile.open(next(BUILD.glob(pattern))) as archive:
        archive.extractall(BUILD / pair.name, filter="data")
    return next((BUILD / pair.name).iterdir())


def prepare(pair: Pair, *, extras: bool) -> Path:
    """Build the pair's environment if it is outdated; return the suite's runtests.py."""
    build = [Path(__file__), *ROOT.glob("*.toml"), *ROOT.glob("setup.py"), *ROOT.glob("src/**/*.c")]
    digest = hashlib.sha256(b"".join(map(Path.read_bytes, sorted(build))) + bytes(pair.python))
    stamps = [pair.venv / f"{digest.hexdigest()}-{kind}" for kind in ("bare", "extras")]
    if not (BUILD / pair.name).exists() or not any(map(Path.exists, stamps[extras:])):
        print(f"{pair.name}: building the environment", flush=True)
        subprocess.run([pair.python, "-m", "venv", "--clear", pair.venv], check=True)
        pair.pip("install", "--upgrade", "pip")
        django = unpack_django(pair)
        lines = (django / "tests" / "requirements" / "py3.txt").read_text().splitlines()
        wanted = [line for line in lines if extras and not EXCLUDED.match(line)]
        pair.pip("install", django, "tzdata", *wanted, "--editable", ROOT)
        stamps[extras].touch()
    return next((BUILD / pair.name).iterdir()) / "tests" / "runtests.py"


def run_suite(pair: Pair, mode: str, runtests: Path, arguments: list[str]) -> Run:
    """Run the suite in one mode, without the settings of the calling environment."""
    outcome = BUILD / f"{pair.name}-{mode}.json"
    outcome.unlink(missing_ok=True)
    print(f"{pair.name}: {mode}", flush=True)
    command: list[str | Path] = [pair.venv / "bin/python", BOOTSTRAP, mode, outcome, runtests]
    command += arguments
    environ = {n: v for n, v in os.environ.items() if not re.match("PYTHON|DJANGO|COVERAGE", n)}
    with (log := outcome.with_suffix(".log")).open("w") as out:
        status = subprocess.call(command, cwd=runtests.parent, env=environ, stdout=out, stderr=out)
    return read_run(mode, outcome, log, status)


def read_run(mode: str, outcome: Path, log: Path, status: int) -> Run:
    """Read the outcome of a run, and check which dispatcher was active."""
    if not outcome.exists():
        tail = log.read_text(errors="replace").splitlines()[-60:]
        return Run(fault="\n".join([f"{mode}: no outcome, status {status}", *tail]))
    report = json.loads(outcome.read_text(encoding="utf-8"))
    run, probes = Run(report["tests"], report["django"]), report["probes"]
    if probes["clarion" if mode == "plain" else "django"] or not any(probes.values()):
        run.fault = f"{mode}: tests by active dispatcher, which should be one: {probes}"
    return run


def package_of(name: str) -> str:
    """Return the package of a test; a failed fixture is `setUpClass (package.Case)`."""
    return name.rpartition("(")[2].removeprefix("unittest.loader._FailedTest.").split(".")[0]


def find_regressions(plain: Run, clarion: Run) -> Iterator[tuple[str, str]]:
    """Yield the tests that fail only with Clarion, and those that do not run any more."""
    for name, test in clarion.tests.items():
        before = plain.tests.get(name, {"outcome": "not run"})["outcome"]
        if test["outcome"] == "failed" != before:
            yield name, test["detail"]
        elif test["outcome"] == "skipped" and before == "passed":
            yield name, f"skipped: {test['detail']}"
    yield from ((name, "not run\n") for name in plain.tests.keys() - clarion.tests.keys())


def tabulate(pair: Pair, runs: dict[str, Run], *, only_failing: bool) -> Iterator[str]:
    """Yield a line for each package, or each with a failure, and one for all."""
    packages = {package_of(name) for run in runs.values() for name in run.tests}
    for package in [*sorted(packages), ""]:
        tests = [run.of(package) for run in runs.values()]
        failed = [sum(test["outcome"] == "failed" for test in those) for those in tests]
        seconds = [f"{sum(test['seconds'] for test in those):.1f}" for those in tests]
        if not package or any(failed) or not only_failing:
            counts = max(map(len, tests)), "/".join(map(str, failed)), "/".join(seconds)
            names = f"3.{pair.minor}", runs["plain"].django, package or "together"
            yield LINE.format(*names, *counts)


def main(arguments: list[str] | None = None) -> int:
    """Run the requested tests; return 1 if any result is worse than on plain Django."""
    parser = argparse.ArgumentParser(description="Run Django's own tests on Clarion.")
    parser.add_argument("packages", nargs="*", help=f"default: {' '.join(PACKAGES)}")
    parser.add_argument("--all", action="store_true", help="every package of the suite (long)")
    parser.add_argument("--django", choices=SUPPORTED, help="this one only")
    parser.add_argument("--python", action="append", help="this one only; repeatable")
    parser.add_argument("--parallel", type=int, default=1, help="processes of the suite")
    options = parser.parse_args(arguments)
    named = dict(filter(None, map(probe, options.python or [])))
    pairs = find_pairs(named or find_by_minor(), options.django, force=bool(named))
    if not pairs:
        sys.exit("No Python here supports that Django. Name both: --python PATH --django 6.1")
    BUILD.mkdir(parents=True, exist_ok=True)
    table, worse = [HEAD], []
    for pair in pairs:
        runtests = prepare(pair, extras=options.all or bool(options.packages))
        suite_options = ["--settings=test_sqlite", "--noinput", f"--parallel={options.parallel}"]
        suite_options += [] if options.all else options.packages or PACKAGES
        runs = {mode: run_suite(pair, mode, runtests, suite_options) for mode in MODES}
        table += tabulate(pair, runs, only_failing=options.all)
        worse += [f"{pair.name}, {run.fault}\n" for run in runs.values() if run.fault]
        for mode in [mode for mode in MODES[1:] if runs[mode].tests]:
            found = sorted(find_regressions(runs["plain"], runs[mode]))
            worse += [f"{pair.name}, {mode}: {name}\n{detail}" for name, detail in found]
    print(*worse, *table, f"({'/'.join(MODES)}) worse with Clarion: {len(worse)}", sep="\n")
    return bool(worse)


if __name__ == "__main__":
    sys.exit(main())
