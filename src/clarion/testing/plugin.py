"""The pytest plugin: two fixtures, and every test leaves the signals as it found them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clarion._core.signal import Signal
    from clarion.testing.capture import Capture
    from clarion.typing import Receiver

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
def _clarion_reset(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.config.getini("clarion_reset"):
        yield
        return
    from clarion.testing.reset import restored

    with restored():
        yield


@pytest.fixture
def capture_signals() -> Iterator[Callable[..., Capture]]:
    """Capture signals until the test ends: `sent = capture_signals(order_paid)`."""
    from clarion.testing.capture import capture

    with ExitStack() as stack:

        def start(*signals: Signal) -> Capture:
            return stack.enter_context(capture(*signals))

        yield start


@pytest.fixture
def mute_signals() -> Iterator[Callable[..., None]]:
    """Mute signals or receivers until the test ends: `mute_signals(post_save)`."""
    from clarion.testing.mute import muted

    with ExitStack() as stack:

        def start(*targets: Signal | Receiver, sender: object = None) -> None:
            stack.enter_context(muted(*targets, sender=sender))

        yield start
