"""What a send does with the error of a receiver: adds a note, or logs it."""

from __future__ import annotations

from clarion._core import names
from clarion._core.tabled import policy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver


def add_receiver_note(error: Exception, signal: Signal, receiver: object) -> None:
    """Note on the error that this receiver of this signal let it pass.

    A nested send notes one line for each signal on the way. A recursion that does not
    end notes each signal once, then which of them go round.
    """
    try:
        name = names.signal_name(signal)
        note = f"Raised by receiver {names.described(receiver)} of signal {name}."
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        if isinstance(error, RecursionError):
            _note_round(error, name)
    except Exception:  # noqa: BLE001
        # At the limit of recursion there is no room for a note; the caller of this send,
        # one frame nearer to the ground, tries again. Some errors take none at all (a
        # frozen dataclass), and must travel on nevertheless.
        return


def log_receiver_failure(signal: Signal, receiver: Receiver, error: Exception) -> None:
    """Log the error of a receiver in a robust send, as the signal's policy does."""
    policy_of(signal).log_failure(signal, receiver, error)


def _note_round(error: RecursionError, name: str) -> None:
    # The error passes the same signals again and again on its way up; once it comes by
    # the first one a second time, the round is known.
    passed: list[str] | None = getattr(error, "_clarion_passed", None)
    if passed is None:
        passed = error._clarion_passed = []  # type: ignore[attr-defined]
    if "" in passed:
        return
    if name not in passed:
        passed.append(name)
        return
    around = " -> ".join([*reversed(passed[passed.index(name) :]), passed[-1]])
    error.add_note(
        f"These signals go round without end: {around}. Break the circle in one receiver."
    )
    passed.append("")
