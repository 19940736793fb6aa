"""Wait for an engine to confirm a call, but not longer than the commit may wait."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager, suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from clarion._core.fork import call_in_child, new_lock
from clarion.background.apart import close_old_connections
from clarion.background.monitoring import kept_names
from clarion.errors import HandOverError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    from clarion.background.call import Call
    from clarion.background.engine import Engine

    Ended: TypeAlias = Callable[[BaseException | None], object]

MOST_IDLE = 4  # threads

MOST_LATE = 16  # calls
"""How many calls of an engine may be unconfirmed, each in a thread that still waits. After that, it
gets only one call per `hold`, and the others fail at once."""


class _Helper:
    """A thread that makes one call at a time."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[], object], Ended]] = SimpleQueue()
        threading.Thread(target=self._run, name="clarion-enqueue", daemon=True).start()

    def start(self, function: Callable[[], object], ended: Ended) -> None:
        """Begin to call a function; then call `ended` with its exception, or None."""
        self._work.put((function, ended))

    def _run(self) -> None:
        is_kept = True
        while is_kept:
            function, ended = self._work.get()
            error = _error_of(function)
            close_old_connections()  # of handlers that the engine calls, such as those of Celery's signals
            is_kept = _keep(self)
            ended(error)
            del function, ended, error  # or an idle thread would keep them


# Each is the `append` of a test that keeps the calls. The last one gets them.
_keepers: list[Callable[[Call], object]] = []


@contextmanager
def kept(keep: Callable[[Call], object]) -> Generator[None]:
    """Give the calls of all threads to a function, inside the block, in place of their engines.

    Args:
        keep: the function.
    """
    _keepers.append(keep)
    try:
        yield
    finally:
        _keepers.remove(keep)


def is_kept() -> bool:
    """Return whether calls are kept from their engines."""
    return bool(_keepers)


_idle: list[_Helper] = []
_lock = new_lock()
call_in_child(_idle.clear)


class _Late:
    """The late calls of one engine: how many there are, and when it got the last call."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0  # of `time.monotonic`


_late: dict[int, _Late] = {}  # by the id of the engine, which a late call keeps alive
call_in_child(_late.clear)


def _error_of(function: Callable[[], object]) -> BaseException | None:
    try:
        function()
    except BaseException as error:  # noqa: BLE001  # the waiting thread raises it
        return error
    return None


def _keep(helper: _Helper) -> bool:
    with _lock:
        if len(_idle) >= MOST_IDLE:
            return False
        _idle.append(helper)
        return True


class _Started:
    """One call of an engine in a helper thread.

    Args:
        engine: the engine.
        call: the call.
        ended: called with the exception of the call, or None.
    """

    def __init__(self, engine: Engine, call: Call, ended: Ended) -> None:
        self._engine = id(engine)
        self._ended = ended
        self._is_late = self._is_over = False
        with _lock:
            helper = _idle.pop() if _idle else _Helper()
        context = copy_context()
        helper.start(lambda: context.run(engine.enqueue, call), self._end)

    def leave(self) -> None:
        """Count the call as late: its caller stops waiting, and its thread does not."""
        with _lock:
            if not self._is_over:
                self._is_late = True
                late = _late.setdefault(self._engine, _Late())
                late.count += 1
                late.last = time.monotonic()

    def _end(self, error: BaseException | None) -> None:
        with _lock:
            self._is_over = True
            if self._is_late and (late := _late.get(self._engine)) is not None:
                late.count -= 1
                if not late.count:
                    del _late[self._engine]
        self._ended(error)


def _refuse_more(engine: Engine, call: Call, seconds: float) -> None:
    """Refuse a call to an engine that does not answer, so that its threads do not become too many.

    Raises:
        HandOverError: if it has too many late calls, and has just got another one.
    """
    with _lock:
        late = _late.get(id(engine))
        if late is None or late.count < MOST_LATE:
            return
        now = time.monotonic()
        if now - late.last >= seconds:
            late.last = now
            return
        count = late.count
    raise HandOverError(
        f"{engine.name} does not get a call of {call.receiver}, because it has not confirmed {count} earlier "
        f"calls. See whether its broker answers.",
        call.receiver,
    )


def enqueue_within(engine: Engine, call: Call, seconds: float) -> None:
    """Give a call to an engine, and wait until it is confirmed, or the time is over.

    Args:
        engine: the engine.
        call: the call.
        seconds: how long to wait at most, if the engine itself may wait longer.

    Raises:
        HandOverError: if the time is over (the engine may still get the call), or the engine has too
            many late calls.
    """
    if _keepers:
        _keepers[-1](call)
        return
    if not engine.holds_thread or engine.longest_wait <= seconds:
        with kept_names():
            engine.enqueue_for(call, seconds)
        return
    _refuse_more(engine, call, seconds)
    errors: SimpleQueue[BaseException | None] = SimpleQueue()
    started = _Started(engine, call, errors.put)
    try:
        error = errors.get(timeout=seconds)
    except BaseException as failed:  # KeyboardInterrupt too
        started.leave()
        if isinstance(failed, Empty):
            raise _unconfirmed(engine, call, seconds) from None
        raise
    try:
        if error is not None:
            raise error
    finally:
        del error  # its traceback holds this frame


async def aenqueue_within(engine: Engine, call: Call, seconds: float) -> None:
    """Give a call to an engine as `enqueue_within`, in a coroutine."""
    if _keepers:
        _keepers[-1](call)
        return
    if engine.holds_thread:
        _refuse_more(engine, call, seconds)
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            if engine.holds_thread:
                await _in_helper(engine, call)
            else:
                with kept_names():
                    await engine.aenqueue(call)
    except TimeoutError as error:
        if not timeout.expired():
            raise  # the engine's own
        raise _unconfirmed(engine, call, seconds) from error


async def _in_helper(engine: Engine, call: Call) -> None:
    # Not `run_in_thread`, because a task that is cancelled waits for its thread there.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def end(error: BaseException | None) -> None:
        if future.done():
            return  # the time was over
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def ended(error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(end, error)

    started = _Started(engine, call, ended)
    try:
        await future
    except BaseException:
        started.leave()
        raise


def _unconfirmed(engine: Engine, call: Call, seconds: float) -> HandOverError:
    return HandOverError(
        f"{engine.name} has not confirmed a call of {call.receiver} within {seconds:g} s. See whether "
        f"its broker answers; hold= of the delivery sets the time.",
        call.receiver,
    )
