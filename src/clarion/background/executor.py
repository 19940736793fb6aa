"""ExecutorDelivery: receivers in a pool of threads or processes, for programs without an engine."""

from __future__ import annotations

import logging
import time
from concurrent.futures import BrokenExecutor
from functools import partial
from typing import TYPE_CHECKING

from clarion._core.names import value_name
from clarion.background.carrier import deliver, retry_after
from clarion.background.delivery import HOLD, EngineDelivery
from clarion.background.engine import Engine
from clarion.background.monitoring import kept_names
from clarion.background.options import check_engine_options
from clarion.errors import ArgumentError, UnknownReceiverError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future

    from clarion.background.call import Call
    from clarion.background.options import CallOptions

_LOSS = (
    "Calls in a pool of threads or processes are lost if the process ends before they are made. Use "
    "durable, or an engine with a broker, for work that must not be lost."
)

logger = logging.getLogger("clarion.background")


def carry(body: str, receiver: str, delay: float) -> None:
    """Call a receiver in a thread or a process of a pool, and again after failures.

    Args:
        body: the body of the call.
        receiver: the stable name of the receiver, for the log.
        delay: how long to wait before the first attempt, in seconds.
    """
    time.sleep(delay)
    attempt = 1
    while True:
        try:
            with kept_names():  # an instrumentation of threads may have brought those of the sender
                deliver(body, attempt)
        except Exception as error:
            # Another attempt in the same program would not know the receiver either.
            is_unknown = isinstance(error, UnknownReceiverError)
            wait = None if is_unknown else retry_after(body, error, attempt)
            if wait is None:
                logger.exception("Receiver %s has failed, and is not called again", receiver)
                raise
            logger.warning(
                "Receiver %s has failed, and is called again in %.1f s",
                receiver,
                wait,
                exc_info=error,
            )
            time.sleep(wait)
            attempt += 1
        else:
            return


def _log_loss(receiver: str, future: Future[None]) -> None:
    """Log a call that the pool has not made, because it was shut down or a process of it has died."""
    if future.cancelled():
        logger.error("Receiver %s was not called, because its pool was shut down", receiver)
    elif isinstance(error := future.exception(), BrokenExecutor):
        logger.error(
            "Receiver %s may not have been called, because its pool is broken",
            receiver,
            exc_info=error,
        )


class ExecutorEngine(Engine):
    """Gives calls to an executor of `concurrent.futures`.

    Args:
        executor: the executor.
    """

    name = "the executor"

    def __init__(self, executor: Executor) -> None:
        if not callable(getattr(executor, "submit", None)):
            raise ArgumentError(
                f"ExecutorDelivery was given {value_name(executor)}. Give a ThreadPoolExecutor or a "
                f"ProcessPoolExecutor.",
                ["executor"],
            )
        self.executor = executor

    def enqueue(self, call: Call) -> None:
        """Submit a call. The function is one of this module, and the arguments are text and a number."""
        future = self.executor.submit(carry, call.body, call.receiver, call.delay)
        future.add_done_callback(partial(_log_loss, call.receiver))

    async def aenqueue(self, call: Call) -> None:
        """Submit a call, which does not wait."""
        self.enqueue(call)

    def check(self, options: CallOptions) -> None:
        """Refuse every option except Clarion's own: an executor has none."""
        check_engine_options("An executor", options.engine, ())

    def losses(self) -> Sequence[str]:
        """Return the warning that a pool loses its calls at the end of the process."""
        return [_LOSS]


class ExecutorDelivery(EngineDelivery):
    """Call a receiver in a thread pool or a process pool, after the commit.

        pool = ExecutorDelivery(ThreadPoolExecutor(4))

        @receiver(order_paid, delivery=pool)
        @receiver(order_paid, delivery=pool(retries=2, delay=10))

    A call that waits for its delay or for its next attempt occupies a thread or a process of the pool. In a
    process pool, the processes have to connect the receivers too: with the start method "spawn" or
    "forkserver", give the pool an `initializer` that imports them. The pool pickles the name of a
    function of Clarion and the text of the call, and no object of the program.

    Args:
        executor: an executor of `concurrent.futures`.
        hold: see `EngineDelivery`; `submit` does not wait.
    """

    def __init__(self, executor: Executor, *, hold: float = HOLD) -> None:
        super().__init__(ExecutorEngine(executor), hold=hold)
