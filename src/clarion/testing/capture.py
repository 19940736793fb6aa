"""capture: record sends, with sender, keywords and responses."""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import Repr
from typing import TYPE_CHECKING, overload

from clarion._core.checks import check_signal
from clarion._core.instrument import Instrument, Send, attach, detach
from clarion._core.names import sender_name, signal_name
from clarion._core.unentered import Enterable
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from typing import Any, Self

    from clarion._core.signal import Signal
    from clarion.typing import AnySignal, Responses

# A long value would hide the rest of a message.
_shown = Repr()
_shown.maxstring = _shown.maxother = 120


def shown(value: object) -> str:
    """Return the repr of a value, shortened; never raise."""
    return _shown.repr(value)


class Sent:
    """One captured send.

    Attributes:
        signal: the signal.
        sender: the sender.
        keywords: the keywords of the send, without `sender` and `signal`.
        responses: the receivers called so far, each with its response.
        error: the exception that ended the send, or None.
    """

    def __init__(self, send: Send) -> None:
        self.signal = send.signal
        self.sender = send.sender
        self.keywords: dict[str, Any] = {
            name: value
            for name, value in send.arguments.items()
            if name not in ("sender", "signal")
        }
        self.responses: Responses = send.responses
        self.error: BaseException | None = None

    def __repr__(self) -> str:
        by = "" if self.sender is None else f" by {sender_name(self.sender)}"
        keywords = ", ".join(f"{name}={shown(value)}" for name, value in self.keywords.items())
        return f"{signal_name(self.signal)}{by}" + (f": {keywords}" if keywords else "")


class Capture(Enterable, Instrument, Sequence[Sent]):
    """The sends during a `with` block, in the order in which they began.

    It is a sequence of `Sent`, and is also the context manager. It captures the sends of every
    thread and task, including sends that no receiver gets.
    """

    listens = True

    def __init__(self, *signals: AnySignal) -> None:
        # By id, so that a signal given twice is captured once.
        self._signals = {id(signal): check_signal(signal) for signal in signals}
        self._sent: list[Sent] = []
        self._running: dict[Send, Sent] = {}
        self.unentered = "capture(...)"

    def __enter__(self) -> Self:
        self.unentered = None
        attach(self, *self._signals.values())
        return self

    def __exit__(self, *exception: object) -> None:
        detach(self, *self._signals.values())

    def began(self, send: Send) -> None:
        """Record the send."""
        sent = self._running[send] = Sent(send)
        self._sent.append(sent)

    def ended(self, send: Send) -> None:
        """Record the error."""
        sent = self._running.pop(send, None)
        if sent is not None:
            sent.error = send.error

    def of(self, signal: AnySignal) -> list[Sent]:
        """Return the sends of one signal.

        Raises:
            ArgumentError: if that signal is not captured.
        """
        self.check_captured(signal)
        return [sent for sent in self._sent if sent.signal is signal]

    def check_captured(self, signal: AnySignal) -> Signal:
        """Return the signal, or refuse one that is not captured here."""
        checked = check_signal(signal)
        if self._signals and id(signal) not in self._signals:
            raise ArgumentError(
                f"Signal {signal_name(checked)} is not captured here, so its sends are unknown. "
                f"Give it to capture() too."
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
    """Capture the sends inside a `with` block.

    Args:
        *signals: the signals to capture; by default all.

    Returns:
        A context manager whose value is a sequence of `Sent`::

            with capture(order_paid) as sent:
                checkout(cart)
            assert sent[0].keywords["order_id"] == 42

    Raises:
        ArgumentError: if one of them is not a signal.

    Receivers are still called. `muted` prevents that.
    """
    return Capture(*signals)
