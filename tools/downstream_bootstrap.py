"""Run Django's tests/runtests.py, unmodified, and write the outcome of each test to a file.

    python downstream_bootstrap.py MODE OUTCOME.json RUNTESTS [ARGUMENT ...]

MODE is the way in which Clarion is installed: `plain` (not at all), `install` (by
`install()`, before the suite is imported) or `app` (as the last of the INSTALLED_APPS).
Before every test, `is_installed` checks with a new signal whether Clarion is active.
A run that takes hours is a deadlock: it ends with a traceback of every thread.
"""

import faulthandler
import json
import multiprocessing
import runpy
import signal
import sys
import time
import unittest
from functools import partial
from pathlib import Path
from typing import Any

APP = "clarion.integrations.django"
DEADLOCK = 7200  # seconds


def is_installed() -> bool:
    """Return whether Clarion dispatches Django's signals: Django has no priorities."""
    from django.dispatch import Signal

    def last(**_: object) -> None: ...
    def first(**_: object) -> None: ...

    fresh = Signal()
    fresh.connect(last)
    try:
        fresh.connect(first, priority=1)
    except TypeError:
        return False
    return [receiver for receiver, _ in fresh.send(sender=None)] == [first, last]


class Recorder(unittest.TextTestResult):
    """Record the seconds of each test, and the dispatcher that was active before it."""

    def __init__(self, notes: dict[str, Any], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        notes["result"] = self
        self.probes = {"clarion": 0, "django": 0}
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: D102, N802
        super().startTest(test)
        self.probes["clarion" if is_installed() else "django"] += 1

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: D102, N802
        super().stopTest(test)
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


def record(notes: dict[str, Any]) -> None:
    """Give the suite's runner a Recorder; the runners inside its tests stay as they are."""
    from django.test.runner import DiscoverRunner

    original = DiscoverRunner.get_resultclass

    def get_resultclass(_: object) -> Any:
        DiscoverRunner.get_resultclass = original
        return partial(Recorder, notes)

    DiscoverRunner.get_resultclass = get_resultclass


def install_clarion(mode: str) -> None:
    """Install Clarion in the given mode."""
    if mode == "install":
        from clarion.integrations.django import install

        install()
    elif mode == "app":
        import django
        from django.conf import settings

        setup = django.setup

        def setup_with_app() -> None:
            django.setup = setup
            settings.INSTALLED_APPS.append(APP)  # runtests.py has just assigned the list
            setup()

        django.setup = setup_with_app


def main(mode: str, outcome: str, runtests: str, *arguments: str) -> None:
    """Run the suite and write the outcome; the exit status is the suite's."""
    import django

    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(DEADLOCK)
    if "--parallel=1" not in arguments:
        multiprocessing.set_start_method("fork")  # the suite's workers inherit Clarion
    sys.path[0] = str(Path(runtests).parent)
    sys.argv = [runtests, *arguments]
    notes: dict[str, Any] = {}
    record(notes)
    install_clarion(mode)
    try:
        runpy.run_path(runtests, run_name="__main__")
    finally:
        if result := notes.get("result"):
            report = {
                "django": django.__version__,
                "probes": result.probes,
                "tests": result.tests(),
            }
            Path(outcome).write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
