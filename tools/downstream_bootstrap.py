"""Run tests/runtests.py of Django, unmodified, and write down what became of each test.

    python downstream_bootstrap.py ROAD OUTCOME.json RUNTESTS [ARGUMENT ...]

ROAD says how Clarion takes over: `plain` (not at all), `install` (by `install()`,
before the suite is imported) or `app` (as the last of the INSTALLED_APPS). Whether it
did is not taken on trust: before every test a fresh signal is asked, see `taken_over`.
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


def taken_over() -> bool:
    """Say whether Clarion routes Django's signals: only Clarion knows what a priority is."""
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
    """Keep the seconds that each test took, and who carried the signals before it."""

    def __init__(self, notes: dict[str, Any], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        notes["result"] = self
        self.probes = {"clarion": 0, "django": 0}
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: D102, N802
        super().startTest(test)
        self.probes["clarion" if taken_over() else "django"] += 1

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: D102, N802
        super().stopTest(test)
        # From the end of the test before, hence with the fixtures of its class.
        self.seconds[test.id()] = time.perf_counter() - self.last
        self.last = time.perf_counter()

    def tests(self) -> dict[str, dict[str, Any]]:
        """Tell the outcome of each test, with its traceback or the reason why it was skipped."""
        found = {
            name: {"outcome": "passed", "seconds": seconds, "detail": ""}
            for name, seconds in self.seconds.items()
        }
        told = [
            *(("skipped", test, reason) for test, reason in self.skipped),
            *(("failed", test, trace) for test, trace in self.failures + self.errors),
            *(("failed", test, "unexpected success") for test in self.unexpectedSuccesses),
        ]
        for outcome, test, detail in told:
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


def take_over(road: str) -> None:
    """Install Clarion by the road given."""
    if road == "install":
        from clarion.integrations.django import install

        install()
    elif road == "app":
        import django
        from django.conf import settings

        setup = django.setup

        def setup_with_app() -> None:
            django.setup = setup
            settings.INSTALLED_APPS.append(APP)  # runtests.py has just set its own
            setup()

        django.setup = setup_with_app


def main(road: str, outcome: str, runtests: str, *arguments: str) -> None:
    """Run the suite, write the outcome, and leave the exit status to the suite."""
    import django

    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(DEADLOCK)
    if "--parallel=1" not in arguments:
        multiprocessing.set_start_method("fork")  # the suite's workers inherit the take-over
    sys.path[0] = str(Path(runtests).parent)
    sys.argv = [runtests, *arguments]
    notes: dict[str, Any] = {}
    record(notes)
    take_over(road)
    try:
        runpy.run_path(runtests, run_name="__main__")
    finally:
        if result := notes.get("result"):
            told = {"django": django.__version__, "probes": result.probes, "tests": result.tests()}
            Path(outcome).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
