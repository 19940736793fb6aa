"""See what was sent, by whom, with what, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from clarion._core.instrument import Instrument, Send, attach, detach
from clarion._core.names import sender_name, signal_name

if TYPE_CHECKING:
    from typing import Any

    from clarion._core.signal import Signal
    from clarion.typing import Responses


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
            name: value for name, value in send.arguments.items() if name not in ("sender", "signal")
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
        named = ", ".join(f"{name}={value!r}" for name, value in self.named.items())
        return f"{signal_name(self.signal)} by {sender_name(self.sender)}" + (f": {named}" if named else "")


class Capture(Instrument, Sequence[Sent]):
    """The sends made while it was active, in the order in which they began.

    It reads as a sequence of `Sent`, and is its own context manager. Sends of every
    thread and task are captured, heard or not.
    """

    listens = True

    def __init__(self, *signals: Signal) -> None:
        self._signals = signals
        self._sent: list[Sent] = []

    def __enter__(self) -> Capture:
        attach(self, *self._signals)
        return self

    def __exit__(self, *exception: object) -> None:
        detach(self, *self._signals)

    def began(self, send: Send) -> None:
        """Take the send down."""
        self._sent.append(Sent(send))

    def of(self, signal: Signal) -> list[Sent]:
        """Return the sends of one signal."""
        return [sent for sent in self._sent if sent.signal is signal]

    @overload
    def __getitem__(self, index: int) -> Sent: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sent]: ...
    def __getitem__(self, index: int | slice) -> Sent | list[Sent]:
        return self._sent[index]

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"<Capture of {len(self)} sends>"


def capture(*signals: Signal) -> Capture:
    """Capture what is sent inside a with block.

    Args:
        *signals: the signals to capture; without any, all of them.

    Returns:
        A context manager whose value reads as a sequence of `Sent`::

            with capture(order_paid) as sent:
                checkout(cart)
            assert sent[0].named["order_id"] == 42

    Receivers are called as ever. To keep them from being called, see `muted`.
    """
    return Capture(*signals)
