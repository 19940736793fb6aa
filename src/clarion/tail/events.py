"""What a reader gets: dictionaries of names, numbers and times, without a value of the program."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from clarion._core.names import name_of, option_name, signal_name, value_name

if TYPE_CHECKING:
    from clarion._core.instrument import Call, Send
    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.typing import Receiver

    Event = dict[str, Any]

NOW = "now"

SLOW = "slow"  # events were dropped because too many waited for the reader
BROKEN = "broken"  # events were dropped because making them raised an error


def send_event(send: Send, seconds: float, calls: list[Event]) -> Event:
    """Return the event of a send that has ended, with its calls."""
    names = [name for name in send.arguments if name not in {"sender", "signal"}]
    return {
        **_head("send", send.signal, send.sender),
        "keywords": sorted(name for name in names if name.isidentifier()),
        "seconds": round(seconds, 6),
        "error": error_name(send.error),
        "calls": calls,
    }


def call_event(
    signal: Signal, sender: object, receiver: Receiver, delivery: str, **facts: Any
) -> Event:
    """Return the event of one call outside a send: after a commit, or by a worker."""
    return {**_head("call", signal, sender), **call_facts(receiver, delivery, **facts)}


def call_facts(
    receiver: Receiver,
    delivery: str,
    *,
    outcome: str,
    seconds: float | None = None,
    error: BaseException | None = None,
) -> Event:
    """Return what a reader gets of one call."""
    return {
        "receiver": _name_of_receiver(receiver),
        "delivery": delivery,
        "outcome": outcome,
        "seconds": None if seconds is None else round(seconds, 6),
        "error": error_name(error),
    }


def dropped_event(count: int, reason: str) -> Event:
    """Return the event in place of those that were dropped.

    Args:
        count: how many were dropped.
        reason: `SLOW` or `BROKEN`.
    """
    head = {"kind": "dropped", "at": time.time(), "pid": os.getpid()}
    return {**head, "count": count, "reason": reason}


def facts_of_call(call: Call) -> Event:
    """Return what a reader gets of a call in a send."""
    delivery = delivery_word(call.registration)
    outcome = "failed" if call.error is not None else outcome_of(call.response)
    return call_facts(
        call.receiver, delivery, outcome=outcome, seconds=call.seconds, error=call.error
    )


def facts_of_response(receiver: Receiver, response: Any, error: BaseException | None) -> Event:
    """Return what a reader gets of a receiver that a batch of deliveries has taken.

    Args:
        receiver: the receiver.
        response: its response; None if the batch has left it out, or has raised an error.
        error: what the send has raised.
    """
    found = response if isinstance(response, BaseException) else error if response is None else None
    outcome = "failed" if found else "suppressed" if response is None else outcome_of(response)
    word = getattr(response, "engine", "durable")
    return call_facts(receiver, word, outcome=outcome, error=found)


def outcome_of(response: Any) -> str:
    """Return how a call ended: the status of its delivery, "stored" or "returned"."""
    if type(response).__module__.startswith("clarion."):
        status = getattr(response, "status", None)
        if isinstance(status, str):
            return "returned" if status == "ran" else status
        if hasattr(response, "uid"):
            return "stored"
    return "returned"


def delivery_word(registration: Registration | None) -> str:
    """Return the name of the delivery of a registration: see `word_of`."""
    bound: Any = None if registration is None else registration.delivery
    return NOW if bound is None else word_of(getattr(bound, "delivery", bound))


def word_of(delivery: object) -> str:
    """Return the name of a delivery without its options, such as `on_commit`, or of its engine."""
    engine: Any = getattr(getattr(delivery, "engine", None), "name", None)
    return engine if isinstance(engine, str) else option_name(delivery).partition("(")[0]


def error_name(error: BaseException | None) -> str | None:
    """Return the name of the class of an error, not its text."""
    return None if error is None else type(error).__qualname__


def _name_of_receiver(receiver: Receiver) -> str:
    """Return the name of a receiver; that of its type if an attribute of it raises an error."""
    try:
        return name_of(receiver)
    except Exception:  # noqa: BLE001  # of the program
        return type(receiver).__qualname__


def _head(kind: str, signal: Signal, sender: object) -> Event:
    return {
        "kind": kind,
        "at": time.time(),
        "pid": os.getpid(),
        "signal": signal_name(signal),
        "sender": None if sender is None else value_name(sender),
    }
