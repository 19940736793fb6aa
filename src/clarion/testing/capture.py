"""See what was sent, by whom, with what, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import Repr
from typing import TYPE_CHECKING, overload

from clarion._core.instrument import Instrument, Send, attach, detach
from clarion._core.names import sender_name, signal_name
from clarion._core.registry import check_signal
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from typing import Any, Self

    from clarion._core.signal import Signal
    from clarion.typing import AnySignal, Responses

# A message with a whole payload in it would hide what it is about.
_shown = Repr()
_shown.maxstring = _shown.maxother = 120


def shown(value: object) -> str:
    """Return the repr of a value, shortened if it is long; never raises."""
    return _shown.repr(value)


class Sent:
    """One send that was captured.

    Attributes:
        signal: the signal that was sent.
        sender: by whom.
        named: the keywords it was sent with, without `sender` and `signal`.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.signal = send.signal
        self.sender = send.sender
        self.named: dict[str, Any] = {
            name: value
            for name, value in send.arguments.items()
            if name not in ("sender", "signal")
        }

    @property
    def responses(self) -> Responses:
        """Who was called, with what each answered, so far as the send has come."""
        return self._send.responses

    @property
    def error(self) -> BaseException | None:
        """The exception that ended the send, or None."""
        return self._send.error

    def __repr__(self) -> str:
        by = "" if self.sender is None else f" by {sender_name(self.sender)}"
        named = ", ".join(f"{name}={shown(value)}" for name, value in self.named.items())
        return f"{signal_name(self.signal)}{by}" + (f": {named}" if named else "")


class Capture(Instrument, Sequence[Sent]):
    """The sends made while it was active, in the order in which they began.

    It reads as a sequence of `Sent`, and is its own context manager. Sends of every
    thread and task are captured, heard or not.
    """

    listens = True

    def __init__(self, *signals: AnySignal) -> None:
        # By id, since a signal given twice is still to be captured once.
        self._signals = {id(signal): check_signal(signal) for signal in signals}
        self._sent: list[Sent] = []

    def __enter__(self) -> Self:
        attach(self, *self._signals.values())
        return self

    def __exit__(self, *exception: object) -> None:
        detach(self, *self._signals.values())

    def began(self, send: Send) -> None:
        """Take the send down."""
        self._sent.append(Sent(send))

    def of(self, signal: AnySignal) -> list[Sent]:
        """Return the sends of one signal.

        Raises:
            ArgumentError: if that signal is not captured.
        """
        self.check_captured(signal)
        return [sent for sent in self._sent if sent.signal is signal]

    def check_captured(self, signal: AnySignal) -> Signal:
        """Return the signal, and refuse one whose sends are never seen here."""
        checked = check_signal(signal)
        if self._signals and id(signal) not in self._signals:
            raise ArgumentError(
                f"Signal {signal_name(checked)} is not captured here, so nothing can be said of "
                f"its sends. Give it to capture() too."
            )
        return checked

    @overload
    def __getitem__(self, index: int) -> Sent: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sent]: ...
    def __getitem__(self, index: int | slice) -> Sent | list[Sent]:
        return self._sent[index]

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"<Capture of {self._sent!r}>"


def capture(*signals: AnySignal) -> Capture:
    """Capture what is sent inside a with block.

    Args:
        *signals: the signals to capture; without any, all of them.

    Returns:
        A context manager whose value reads as a sequence of `Sent`::

            with capture(order_paid) as sent:
                checkout(cart)
            assert sent[0].named["order_id"] == 42

    Raises:
        ArgumentError: if one of them is no signal.

    Receivers are called as ever. To keep them from being called, see `muted`.
    """
    return Capture(*signals)
