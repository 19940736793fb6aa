"""Assert that something was sent, and see the nearest sends if it was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.connect import sender_key
from clarion._core.names import sender_name, signal_name
from clarion.errors import NotSentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from clarion._core.signal import Signal
    from clarion.testing.capture import Sent

_ANY: Any = object()

# How many of the nearest sends a failure shows.
SHOWN = 3


def assert_sent(
    captured: Sequence[Sent],
    signal: Signal | None = None,
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
    """
    wanted = _Wanted(signal, sender, named)
    found = [sent for sent in captured if not wanted.differences(sent)]
    if len(found) == times or (found and times is None):
        return found
    raise NotSentError(_failure(wanted, captured, len(found), times))


class _Wanted:
    """The send that is asserted."""

    def __init__(self, signal: Signal | None, sender: object, named: dict[str, object]) -> None:
        self.signal = signal
        self.sender = sender
        self.named = named

    def differences(self, sent: Sent) -> list[str]:
        """Say in which points a captured send is another than the wanted one."""
        found = []
        if self.signal is not None and sent.signal is not self.signal:
            found.append(f"signal {signal_name(sent.signal)}")
        if self.sender is not _ANY and sender_key(sent.sender) != sender_key(self.sender):
            found.append(f"sender {sender_name(sent.sender)}")
        for name, value in self.named.items():
            if name not in sent.named:
                found.append(f"no {name}")
            elif sent.named[name] != value:
                found.append(f"{name}={sent.named[name]!r}")
        return found

    def __str__(self) -> str:
        text = "a send" if self.signal is None else f"a send of {signal_name(self.signal)}"
        if self.sender is not _ANY:
            text += f" by {sender_name(self.sender)}"
        named = ", ".join(f"{name}={value!r}" for name, value in self.named.items())
        return f"{text} with {named}" if named else text


def _failure(wanted: _Wanted, captured: Sequence[Sent], found: int, times: int | None) -> str:
    how_often = "at least once" if times is None else f"{times} times"
    lines = [f"Expected {wanted} {how_often}, found {found} among {len(captured)} captured."]
    nearest = sorted(captured, key=lambda sent: len(wanted.differences(sent)))[:SHOWN]
    lines += ["The nearest:"] if nearest else ["Nothing was sent; is it sent inside the block?"]
    for sent in nearest:
        differences = wanted.differences(sent)
        lines.append(f"  {sent!r}")
        lines.append(f"    differs in {', '.join(differences)}" if differences else "    matches")
    return "\n".join(lines)
