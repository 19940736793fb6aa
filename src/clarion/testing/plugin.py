"""The pytest plugin: two fixtures, and every test leaves the signals as it found them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from clarion.testing.capture import Capture
    from clarion.typing import AnySignal, Receiver

# `clarion.testing` is imported by the fixtures, not above: pytest loads plugins before
# it measures coverage, and before a test could ask what importing clarion loads.


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that turns the reset off."""
    parser.addini(
        "clarion_reset",
        "undo at the end of each test what it connected and disconnected",
        type="bool",
        default=True,
    )


@pytest.fixture(autouse=True)
def _clarion_reset(request: pytest.FixtureRequest) -> Generator[None]:
    if not request.config.getini("clarion_reset"):
        yield
        return
    from clarion.testing.reset import restored

    with restored():
        yield


@pytest.fixture
def capture_signals() -> Generator[Callable[..., Capture]]:
    """Capture what is sent until the test ends.

    Call it as `clarion.testing.capture`; it returns what that gives to a with block.
    """
    from clarion.testing.capture import capture

    with ExitStack() as stack:

        def start(*signals: AnySignal) -> Capture:
            return stack.enter_context(capture(*signals))

        yield start


@pytest.fixture
def mute_signals() -> Generator[Callable[..., None]]:
    """Mute signals or receivers until the test ends.

    Call it as `clarion.testing.muted`.
    """
    from clarion.testing.mute import muted

    with ExitStack() as stack:

        def start(*targets: AnySignal | Receiver, sender: object = None) -> None:
            stack.enter_context(muted(*targets, sender=sender))

        yield start


@pytest.fixture
def commits(request: pytest.FixtureRequest) -> Generator[None]:
    """Have `on_commit` receivers run though the test's own transaction will be rolled back.

    As `clarion.testing.commits`. Name it after the fixture that begins that transaction; those
    of pytest-django need not be named first.
    """
    from clarion.testing.commits import commits

    for fixture in ("transactional_db", "db"):
        if fixture in request.fixturenames:
            request.getfixturevalue(fixture)
    with commits():
        yield
