"""Record the outcome of each test of pytest."""

import re
from collections.abc import Callable
from typing import Any

import pytest


class Recorder:
    """A plugin that records each test, and whether Clarion was active before it."""

    def __init__(self, is_active: Callable[[], bool]) -> None:
        self.is_active = is_active
        self.probes = {"with": 0, "without": 0}
        self.found: dict[str, dict[str, Any]] = {}

    def tests(self) -> dict[str, dict[str, Any]]:
        """Return the outcome of each test, with its traceback or the reason for skipping it."""
        return self.found

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Count whether Clarion is active."""
        self.probes["with" if self.is_active() else "without"] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the setup, the call or the teardown of a test; a failure stays."""
        test = self.found.setdefault(
            stable(report.nodeid), {"outcome": "passed", "seconds": 0.0, "detail": ""}
        )
        test["seconds"] += report.duration
        if report.failed:
            test["outcome"] = "failed"
        elif report.skipped and not hasattr(report, "wasxfail") and test["outcome"] == "passed":
            test["outcome"] = "skipped"
        if not report.passed:
            test["detail"] += f"{report.longreprtext}\n"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that could not be imported as a test that failed."""
        if report.failed:
            detail = {"outcome": "failed", "seconds": 0.0, "detail": report.longreprtext}
            self.found[f"{report.nodeid}::import"] = detail


def stable(name: str) -> str:
    """Return the name of a test without the addresses of objects."""
    return re.sub(r"0x[0-9a-f]+", "0x", name)
