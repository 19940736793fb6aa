"""Await a coroutine that must not be cancelled in the middle, such as a BEGIN or a COMMIT."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

from clarion._core import loops

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Coroutine
    from typing import Any

GRACE = 30.0
"""How many seconds a cancelled caller waits before the cancellation reaches the coroutine."""


async def run_to_end(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Await a coroutine to its end, even if the caller is cancelled.

    It runs in a task of its own. If it still runs `GRACE` seconds after the cancellation of the
    caller, it is cancelled too.

    Raises:
        CancelledError: after the end of the coroutine, if the caller was cancelled.
    """
    import asyncio

    if asyncio._get_running_loop() is None:
        await coroutine  # another library runs the task, such as trio
        return
    before = copy_context()
    context = before.copy()
    tasks: list[Task[None]] = []
    try:
        loops.start_tasks([coroutine], tasks, context)
        await _wait(tasks[0])
        tasks[0].result()
    finally:
        if not tasks:
            coroutine.close()
        loops.copy_context_back(context, before)
        del tasks  # an error keeps this frame alive


async def _wait(task: Task[None]) -> None:
    """Wait until a task is done, then raise the cancellation of the caller."""
    import asyncio

    cancelled = timer = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
            if timer is None:
                timer = asyncio.get_running_loop().call_later(GRACE, task.cancel)
    if timer is not None:
        timer.cancel()
    if cancelled is not None:
        if not task.cancelled():
            cancelled.__cause__ = task.exception()
        try:
            raise cancelled
        finally:
            del cancelled, task  # both keep this frame alive
