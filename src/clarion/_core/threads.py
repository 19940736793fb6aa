"""Receivers in a worker thread; the errors that a cancelled sender does not raise are logged."""

from __future__ import annotations

from functools import partial

from clarion._core.notes import log_cancelled_failure
from clarion._core.tabled import policy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver

    T = TypeVar("T")
    # The receiver that has failed, and its error.
    Failed = list[tuple[Receiver, Exception]]


async def run_in_thread(signal: Signal, function: Callable[[Failed], T]) -> T:
    """Run receivers in a worker thread, as the policy of their signal does.

    Args:
        signal: the signal that is sent.
        function: calls the receivers. It gets a list, and adds the error that it raises.
    """
    failed: Failed = []
    try:
        return await policy_of(signal).run_in_thread(partial(function, failed))
    except BaseException as raised:
        _log_lost(signal, failed, raised)
        raise
    finally:
        failed.clear()  # an error holds a frame that holds this list


def _log_lost(signal: Signal, failed: Failed, raised: BaseException) -> None:
    for receiver, error in failed:
        if error is not raised:
            log_cancelled_failure(signal, receiver, error)


async def call_in_thread(signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> Any:
    """Call one receiver in a worker thread."""

    def call(failed: Failed) -> Any:
        try:
            return receiver(**arguments)
        except Exception as error:
            failed.append((receiver, error))
            raise

    return await run_in_thread(signal, call)
