"""What a run recorded: the outcome of each test, and which of them are regressions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LAST_LINES = 60  # of the log of a run without outcome


@dataclass
class Run:
    """The result of one mode: each test by name, the fault of the whole run, and the sends."""

    tests: dict[str, dict[str, Any]] = field(default_factory=dict)
    fault: str = ""
    sends: dict[str, int] = field(default_factory=dict)

    def failures(self, package: str | None = None) -> int:
        """Return how many tests failed, in one package or in all."""
        return sum(test["outcome"] == "failed" for test in self.of(package))

    def seconds(self, package: str | None = None) -> float:
        """Return how long the tests took, in one package or in all."""
        return float(sum(test["seconds"] for test in self.of(package)))

    def of(self, package: str | None = None) -> list[dict[str, Any]]:
        """Return the tests of one package, or all of them."""
        return [test for name, test in self.tests.items() if package in {None, package_of(name)}]


def read_run(mode: str, outcome: Path, log: Path, status: int) -> Run:
    """Read the outcome of a run, and check whether Clarion was active in every test."""
    if not outcome.exists():
        tail = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return Run(fault="\n".join([f"{mode}: no outcome, status {status}", *tail]))
    report = json.loads(outcome.read_text(encoding="utf-8"))
    run, probes = Run(report["tests"], sends=report.get("sends", {})), report["probes"]
    if probes["with" if mode == "plain" else "without"] or not any(probes.values()):
        run.fault = f"{mode}: tests with and without Clarion, which should be one: {probes}"
    return run


def package_of(name: str) -> str:
    """Return the package of a test of Django, or the folder of a test of pytest.

    A failed fixture is `setUpClass (package.Case)`.
    """
    if "::" in name:
        return name.partition("::")[0].rpartition("/")[0]
    return name.rpartition("(")[2].removeprefix("unittest.loader._FailedTest.").split(".")[0]


def find_regressions(
    plain: Run, clarion: Run, known: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the tests that fail only with Clarion, and those that do not run any more.

    Args:
        plain: the run without Clarion.
        clarion: the run with it.
        known: the tests that may differ, each with the reason; a name without parameters
            covers all of them. A test that ran and does not differ is a regression,
            too, so that the list stays true.
    """
    known = known or {}
    different = set()
    for name, detail in find_differences(plain, clarion):
        test = name.partition("[")[0]
        different.add(test)
        if test not in known:
            yield name, detail
    ran = {name.partition("[")[0] for name in plain.tests}
    for test in (known.keys() & ran) - different:
        yield test, "does not differ; remove it from the known differences\n"


def find_differences(plain: Run, clarion: Run) -> Iterator[tuple[str, str]]:
    """Yield the tests whose outcome is worse in the second run, each with the detail."""
    for name, test in clarion.tests.items():
        before = plain.tests.get(name, {"outcome": "not run"})["outcome"]
        if test["outcome"] == "failed" != before:
            yield name, test["detail"]
        elif test["outcome"] == "skipped" and before == "passed":
            yield name, f"skipped: {test['detail']}"
    yield from ((name, "not run\n") for name in plain.tests.keys() - clarion.tests.keys())
