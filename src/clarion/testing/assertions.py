"""assert_sent: assert that a signal was sent, or show the most similar sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.checks import check_signal
from clarion._core.names import sender_name, signal_name, value_name
from clarion._core.registration import sender_key
from clarion.errors import ArgumentError, NotSentError
from clarion.testing.capture import Capture, shown
from clarion.testing.equality import are_equal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from clarion._core.signal import Signal
    from clarion.testing.capture import Sent
    from clarion.typing import AnySignal

_ANY: Any = object()

SHOWN = 3
"""How many of the most similar sends a failure shows."""


def assert_sent(
    captured: Sequence[Sent],
    signal: AnySignal | None = None,
    /,
    *,
    sender: object = _ANY,
    times: int | None = None,
    **keywords: object,
) -> list[Sent]:
    """Assert that a matching send was captured.

    Args:
        captured: the value of a `capture` block.
        signal: the signal, if more than one was captured.
        sender: the sender; any sender by default.
        times: the exact number of sends; at least one by default. 0 asserts that no such send was
            made.
        **keywords: keywords of the send. It may have more keywords. Values are compared with `==`,
            so `unittest.mock.ANY` matches all. Arrays of numpy and tables of pandas are compared
            as a whole, also inside lists, dictionaries and objects with fields, such as dataclasses. A NaN equals a NaN.

    Returns:
        The sends that match.

    Raises:
        NotSentError: an AssertionError whose message shows the most similar sends.
        ArgumentError: if `captured` is not a capture, or does not capture the signal, or if `times` is
            no integer.
    """
    _check_times(times)
    wanted = _WantedSend(_checked(captured, signal), sender, keywords)
    found = [sent for sent in captured if not wanted.differences(sent)]
    if len(found) == times or (found and times is None):
        return found
    raise NotSentError(_failure(wanted, captured, len(found), times))


def _check_times(times: object) -> None:
    if times is not None and type(times) is not int:
        raise ArgumentError(
            f"assert_sent() was given times={value_name(times)}. Give an integer, or nothing for at least once.",
            ["times"],
        )


def _checked(captured: object, signal: AnySignal | None) -> Signal | None:
    if not hasattr(captured, "__len__"):
        raise ArgumentError(
            f"assert_sent() was given {value_name(captured)} first, which is not a capture. "
            f"Give it the value of `with capture(...) as sent`, then the signal."
        )
    if signal is None:
        return None
    # For a signal that is not captured, times=0 would always succeed.
    return (
        captured.check_captured(signal) if isinstance(captured, Capture) else check_signal(signal)
    )


class _WantedSend:
    """The send that is asserted."""

    def __init__(self, signal: Signal | None, sender: object, keywords: dict[str, object]) -> None:
        self.signal = signal
        self.sender = sender
        self.keywords = keywords

    def differences(self, sent: Sent) -> list[str]:
        """Return how a captured send differs, in words."""
        found: list[str] = []
        if self.signal is not None and sent.signal is not self.signal:
            found.append(f"it is of {signal_name(sent.signal)}")
        if self.sender is not _ANY and sender_key(sent.sender) != sender_key(self.sender):
            found.append(f"the sender is {_sender(sent.sender)}")
        found += [
            f"{name} is {shown(sent.keywords[name])}"
            if name in sent.keywords
            else f"it has no {name}"
            for name, value in self.keywords.items()
            # The wanted value is on the left, so that its __eq__ is called: `mock.ANY`.
            if name not in sent.keywords or not are_equal(value, sent.keywords[name])
        ]
        return found

    def __str__(self) -> str:
        text = "a send" if self.signal is None else f"a send of {signal_name(self.signal)}"
        if self.sender is not _ANY:
            text += f" by {_sender(self.sender)}"
        keywords = ", ".join(f"{name}={shown(value)}" for name, value in self.keywords.items())
        return f"{text} with {keywords}" if keywords else text


def _sender(sender: object) -> str:
    return "None" if sender is None else sender_name(sender)


def _failure(wanted: _WantedSend, captured: Sequence[Sent], found: int, times: int | None) -> str:
    words = {None: "at least once", 0: "never", 1: "exactly once"}
    how_often = words.get(times, f"exactly {times} times")
    lines = [f"Expected {wanted}, {how_often}; found {found} among {len(captured)} captured."]
    nearest = sorted(captured, key=lambda sent: len(wanted.differences(sent)))[:SHOWN]
    lines += ["The nearest:"] if nearest else ["Is the signal sent inside the block?"]
    for sent in nearest:
        differences = wanted.differences(sent)
        lines.append(f"  {sent!r}")
        lines.append(f"    but {', '.join(differences)}" if differences else "    matches")
    return "\n".join(lines)
