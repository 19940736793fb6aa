"""The pytest plugin: three fixtures, and a reset of connections after each test.

PYTEST_DONT_REWRITE: the plugin has no assertions, and may be imported before pytest.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from clarion.testing.capture import Capture
    from clarion.typing import AnySignal, Receiver

# Only the bodies of the fixtures import `clarion.testing`: pytest loads plugins before it measures
# coverage, and tests check which modules `import clarion` loads.


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings `clarion_reset` and `clarion_reset_django`."""
    parser.addini(
        "clarion_reset",
        "undo what a test connects and disconnects, at its end",
        type="bool",
        default=True,
    )
    parser.addini(
        "clarion_reset_django",
        "undo it for the signals of Django, too",
        type="bool",
        default=False,
    )


@pytest.fixture(autouse=True)
def _clarion_reset(request: pytest.FixtureRequest) -> Generator[None]:
    if not request.config.getini("clarion_reset"):
        yield
        return
    from clarion.testing.callers import TestFiles
    from clarion.testing.reset import undone

    config = request.config
    files = TestFiles(config.rootpath, config.getini("python_files"))
    with undone(files, request.node.path, with_django=config.getini("clarion_reset_django")):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None]:
    """Keep the connections of a fixture that lasts longer than one test."""
    if fixturedef.scope == "function":
        yield
        return
    from clarion.testing.reset import lasting

    with lasting():
        yield


@pytest.fixture
def capture_signals() -> Generator[Callable[..., Capture]]:
    """Capture sends until the test ends.

    Call it like `clarion.testing.capture`. It returns the `Capture`.
    """
    from clarion.testing.capture import capture

    with ExitStack() as stack:

        def start(*signals: AnySignal) -> Capture:
            return stack.enter_context(capture(*signals))

        yield start


@pytest.fixture
def mute_signals() -> Generator[Callable[..., None]]:
    """Mute signals or receivers until the test ends.

    Call it like `clarion.testing.muted`.
    """
    from clarion.testing.mute import muted

    with ExitStack() as stack:

        def start(*targets: AnySignal | Receiver, sender: object = None) -> None:
            stack.enter_context(muted(*targets, sender=sender))

        yield start


@pytest.fixture
def commits(request: pytest.FixtureRequest) -> Generator[None]:
    """Run the test inside `clarion.testing.commits`.

    If another fixture begins the test's transaction, name it before this one. The fixtures of
    pytest-django need not be named first.
    """
    from clarion.testing.commits import commits

    for fixture in ("transactional_db", "db"):
        if fixture in request.fixturenames:
            request.getfixturevalue(fixture)
    with commits():
        yield
