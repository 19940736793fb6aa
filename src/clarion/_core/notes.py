"""What a send does with the error of a receiver: adds a note, or logs it."""

from __future__ import annotations

from clarion._core import names
from clarion._core.tabled import policy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver


# The attribute of an error that lists the signals it has passed.
_PASSED = "_clarion_passed"

# The attribute of an error with the receiver's note, if the note of a part replaces it.
_REPLACED = "_clarion_replaced"


def add_receiver_note(error: Exception, signal: Signal, receiver: object) -> None:
    """Add a note to an error: which receiver of which signal raised it.

    Nested sends add one note for each signal. An endless recursion adds one note for each
    signal, and one for the cycle.
    """
    try:
        name = names.signal_name(signal)
        note = _note(name, receiver)
        if note not in getattr(error, "__notes__", ()) and note != getattr(error, _REPLACED, None):
            error.add_note(note)
        if isinstance(error, RecursionError):
            _note_cycle(error, name)
    except Exception:  # noqa: BLE001
        # At the recursion limit adding a note fails; the outer send tries again. Some errors,
        # such as frozen dataclasses, accept no note, and still have to reach the sender.
        return


def add_part_note(error: Exception, signal: Signal, receiver: object, part: str) -> None:
    """Add a note to an error that another part of the call raised, not the receiver.

    Args:
        error: the error.
        signal: the signal that was sent.
        receiver: the receiver.
        part: the name of that part, such as "the key".
    """
    try:
        note = _note(names.signal_name(signal), receiver)
        setattr(error, _REPLACED, note)
        error.add_note(note.replace("receiver", f"{part} of receiver", 1))
    except Exception:  # noqa: BLE001  # some errors accept no note
        return


def add_delivery_note(error: Exception, signal: Signal, receiver: object) -> None:
    """Add a note to an error of a delivery, whose receiver was not called."""
    if not hasattr(error, _REPLACED):
        add_part_note(error, signal, receiver, "the delivery")


def _note(signal_name: str, receiver: object) -> str:
    return f"Raised by receiver {names.described(receiver)} of signal {signal_name}."


def log_receiver_failure(signal: Signal, receiver: Receiver, error: Exception) -> None:
    """Log the error of a receiver in a robust send, as the signal's policy does."""
    policy_of(signal).log_failure(signal, receiver, error)


def log_cancelled_failure(signal: Signal, receiver: Receiver, error: Exception) -> None:
    """Log the error of a receiver whose sender raises its own cancellation instead."""
    import logging

    logging.getLogger("clarion").error(
        "Receiver %s of signal %s failed after its sender was cancelled",
        names.name_of(receiver),
        names.signal_name(signal),
        exc_info=error,
    )


def _note_cycle(error: RecursionError, name: str) -> None:
    # The error passes the same signals again and again. At the second pass of a signal the
    # cycle is known.
    passed: list[str] | None = getattr(error, _PASSED, None)
    if passed is None:
        passed = []
        setattr(error, _PASSED, passed)
    if "" in passed:
        return
    if name not in passed:
        passed.append(name)
        return
    cycle = " -> ".join([*reversed(passed[passed.index(name) :]), passed[-1]])
    error.add_note(
        f"These signals send each other endlessly: {cycle}. Break the cycle in one receiver."
    )
    passed.append("")
