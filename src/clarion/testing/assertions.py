"""Assert that something was sent, and see the nearest sends if it was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.names import sender_name, signal_name
from clarion._core.registration import sender_key
from clarion._core.registry import check_signal
from clarion.errors import ArgumentError, NotSentError
from clarion.testing.capture import Capture, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from clarion._core.signal import Signal
    from clarion.testing.capture import Sent
    from clarion.typing import AnySignal

_ANY: Any = object()

# How many of the nearest sends a failure shows.
SHOWN = 3


def assert_sent(
    captured: Sequence[Sent],
    signal: AnySignal | None = None,
    /,
    *,
    sender: object = _ANY,
    times: int | None = None,
    **named: object,
) -> list[Sent]:
    """Assert that a send like this one was captured.

    Args:
        captured: what `capture` gave.
        signal: the signal, if more than one was captured.
        sender: who sent it; anybody by default.
        times: how often exactly; at least once by default. 0 asserts that it was not.
        **named: keywords that it was sent with; it may have had others. Values are
            compared with `==`, so `unittest.mock.ANY` matches all.

    Returns:
        The sends that match.

    Raises:
        NotSentError: an AssertionError whose message shows the nearest sends.
        ArgumentError: if `captured` is no capture, or the signal is not captured in it.
    """
    wanted = _Wanted(_checked(captured, signal), sender, named)
    found = [sent for sent in captured if not wanted.differences(sent)]
    if len(found) == times or (found and times is None):
        return found
    raise NotSentError(_failure(wanted, captured, len(found), times))


def _checked(captured: object, signal: AnySignal | None) -> Signal | None:
    if not hasattr(captured, "__len__"):
        raise ArgumentError(
            f"assert_sent() was given {captured!r} to look through, which is no capture. "
            f"Give it what `with capture(...) as sent` gave, then the signal."
        )
    if signal is None:
        return None
    # Of one that is not captured, "sent 0 times" would hold whatever happened.
    return (
        captured.check_captured(signal) if isinstance(captured, Capture) else check_signal(signal)
    )


class _Wanted:
    """The send that is asserted."""

    def __init__(self, signal: Signal | None, sender: object, named: dict[str, object]) -> None:
        self.signal = signal
        self.sender = sender
        self.named = named

    def differences(self, sent: Sent) -> list[str]:
        """Say in which points a captured send is another than the wanted one."""
        found: list[str] = []
        if self.signal is not None and sent.signal is not self.signal:
            found.append(f"it is of {signal_name(sent.signal)}")
        if self.sender is not _ANY and sender_key(sent.sender) != sender_key(self.sender):
            found.append(f"the sender is {_sender(sent.sender)}")
        found += [
            f"{name} is {shown(sent.named[name])}" if name in sent.named else f"it has no {name}"
            for name, value in self.named.items()
            # The wanted value first: `mock.ANY` is to be asked, not what it stands for.
            if name not in sent.named or not value == sent.named[name]  # noqa: SIM201
        ]
        return found

    def __str__(self) -> str:
        text = "a send" if self.signal is None else f"a send of {signal_name(self.signal)}"
        if self.sender is not _ANY:
            text += f" by {_sender(self.sender)}"
        named = ", ".join(f"{name}={shown(value)}" for name, value in self.named.items())
        return f"{text} with {named}" if named else text


def _sender(sender: object) -> str:
    return "nobody in particular" if sender is None else sender_name(sender)


def _failure(wanted: _Wanted, captured: Sequence[Sent], found: int, times: int | None) -> str:
    words = {None: "at least once", 0: "never", 1: "exactly once"}
    how_often = words.get(times, f"exactly {times} times")
    lines = [f"Expected {wanted}, {how_often}; found {found} among {len(captured)} captured."]
    nearest = sorted(captured, key=lambda sent: len(wanted.differences(sent)))[:SHOWN]
    lines += ["The nearest:"] if nearest else ["Does the code that sends run inside the block?"]
    for sent in nearest:
        differences = wanted.differences(sent)
        lines.append(f"  {sent!r}")
        lines.append(f"    but {', '.join(differences)}" if differences else "    matches")
    return "\n".join(lines)
