"""Record the outcome of each test of Django's test runner."""

import time
import unittest
from collections.abc import Callable
from functools import partial
from typing import Any


class Recorder(unittest.TextTestResult):
    """Record the seconds of each test, and whether Clarion was active before it."""

    def __init__(
        self, found: list[Any], is_active: Callable[[], bool], *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        found.append(self)
        self.is_active = is_active
        self.probes = {"with": 0, "without": 0}
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()
        self.is_running = False

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: D102, N802
        super().startTest(test)
        self.is_running = True
        self.probes["with" if self.is_active() else "without"] += 1

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: D102, N802
        super().stopTest(test)
        self.is_running = False
        # From the end of the previous test, so the fixtures of the class are included.
        self.seconds[test.id()] = time.perf_counter() - self.last
        self.last = time.perf_counter()

    def tests(self) -> dict[str, dict[str, Any]]:
        """Return the outcome of each test, with its traceback or the reason for skipping it."""
        found = {
            name: {"outcome": "passed", "seconds": seconds, "detail": ""}
            for name, seconds in self.seconds.items()
        }
        others = [
            *(("skipped", test, reason) for test, reason in self.skipped),
            *(("failed", test, trace) for test, trace in self.failures + self.errors),
            *(("failed", test, "unexpected success") for test in self.unexpectedSuccesses),
        ]
        for outcome, test, detail in others:
            name = getattr(test, "test_case", test).id()  # a subtest counts for its test
            known = found.setdefault(name, {"seconds": 0, "detail": ""})
            known.update(outcome=outcome, detail=f"{known['detail']}{detail}\n")
        return found


def record(found: list[Any], is_active: Callable[[], bool]) -> None:
    """Give each of the suite's runners a Recorder; runners inside its tests stay as they are."""
    from django.test.runner import DiscoverRunner

    original = DiscoverRunner.get_resultclass

    def get_resultclass(self: Any) -> Any:
        if any(each.is_running for each in found):
            return original(self)
        return partial(Recorder, found, is_active)

    DiscoverRunner.get_resultclass = get_resultclass
