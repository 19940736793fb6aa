"""Run a suite, unmodified, and write the outcome of each test to a file.

    python bootstrap.py MODE OUTCOME.json SCRIPT [ARGUMENT ...]
    python bootstrap.py MODE OUTCOME.json -m MODULE [ARGUMENT ...]

MODE is the way in which Clarion takes part:

    plain       not at all
    install     by `install()`, before the suite is imported
    app         as the last of the INSTALLED_APPS
    receivers   receivers of every signal of SQLAlchemy

With pytest, its plugin takes part in all modes except `plain`.
Before every test it is checked whether Clarion is active.
A run that takes hours is a deadlock: it ends with a traceback of every thread.
"""

import faulthandler
import json
import multiprocessing
import os
import re
import runpy
import signal
import sys
from collections import Counter
from collections.abc import Callable
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


def is_loaded() -> bool:
    """Return whether SQLAlchemy's integration is imported."""
    return "clarion.integrations.sqlalchemy" in sys.modules


def take_part(mode: str) -> tuple[Callable[[], bool], list[Any]]:
    """Install Clarion in a mode.

    Returns:
        whether it is active, as a function, and plugins for pytest.
    """
    if mode == "install":
        from clarion.integrations.django import install

        install()
    elif mode == "app":
        add_app()
    elif mode == "receivers":
        from downstream.inside import listen

        listen.connect()
        return listen.is_active, [listen.Attach()]
    return is_installed if has_django() else is_loaded, []


def has_django() -> bool:
    """Return whether Django is installed."""
    try:
        import django  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def add_app() -> None:
    """Add Clarion to the INSTALLED_APPS when the suite calls `django.setup()`."""
    import django
    from django.conf import settings

    setup = django.setup

    def setup_with_app(*args: Any, **options: Any) -> None:
        django.setup = setup
        if isinstance(settings.INSTALLED_APPS, list):
            settings.INSTALLED_APPS.append(APP)  # runtests.py has just assigned the list
        else:
            settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
        setup(*args, **options)

    django.setup = setup_with_app


def run(
    mode: str, command: list[str], found: list[Any], is_active: Callable[[], bool], plugins: Any
) -> None:
    """Run the suite; put its recorders into `found`."""
    if command[:2] == ["-m", "pytest"]:
        import pytest

        from downstream.inside.record_pytest import Recorder

        found.append(Recorder(is_active))
        options = [
            "-p",
            "no:cacheprovider",
            "--confcutdir=.",
            *(["-p", "no:clarion"] if mode == "plain" else []),
        ]
        sys.path[0] = str(Path.cwd())
        # pytest calls the last plugin first: the listeners are there before they are checked.
        sys.exit(pytest.main([*options, *command[2:]], plugins=[*found, *plugins]))
    from downstream.inside.record_unittest import record

    record(found, is_active)
    if command[0] == "-m":
        sys.path[0], sys.argv = str(Path.cwd()), command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0], sys.argv = str(Path(command[0]).resolve().parent), command
        runpy.run_path(command[0], run_name="__main__")


def main(mode: str, outcome: str, *command: str) -> None:
    """Run the suite and write the outcome; the exit status is the suite's."""
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(DEADLOCK)
    if any(re.match("--parallel=(?!1$)", each) for each in command):
        multiprocessing.set_start_method("fork")  # the suite's workers inherit Clarion
    found: list[Any] = []
    process = os.getpid()
    # For the modules beside this one; `run` replaces it by the folder of the suite.
    sys.path[0] = str(Path(__file__).parents[2])
    is_active, plugins = take_part(mode)
    try:
        run(mode, list(command), found, is_active, plugins)
    finally:
        if found and os.getpid() == process:  # not in a fork that a test has left
            report: dict[str, Any] = {"probes": Counter(), "tests": {}}
            for recorder in found:
                report["probes"].update(recorder.probes)
                report["tests"].update(recorder.tests())
            if mode == "receivers":
                from downstream.inside import listen

                report["sends"] = listen.sends
            Path(outcome).write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
