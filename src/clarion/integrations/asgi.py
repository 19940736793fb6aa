"""Send Django's request signals around an ASGI application.

    app.add_middleware(SignalMiddleware)        # FastAPI, Starlette
    app = SignalMiddleware(app)                 # any

A session that a sync dependency of FastAPI binds in a thread is found by all sends of the request.

`request_started` is sent before the application is called, `request_finished` when its
call ends, and `got_request_exception` between them if it raises. They are sent for requests
and for WebSockets, and awaited. Sync receivers run in a worker thread, or on the event loop
with `inline=True`. The module needs no extra, because ASGI is a protocol.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeAlias

from clarion._core import loops
from clarion.commit.boundary import request_boundaries
from clarion.signals import (
    Request,
    got_request_exception,
    request_finished,
    request_started,
)

__all__ = [
    "SignalMiddleware",
    "got_request_exception",
    "report",
    "request_finished",
    "request_started",
]

# Any, because each framework has its own types for the arguments.
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

# The last exception that was reported for a connection, which is not reported twice.
_REPORTED = "clarion.reported"

# The boundaries of the request, which it shares with an application mounted in this one.
_BOUNDARIES = "clarion.boundaries"

# The signs that the client has disconnected: messages of the server, and errors of its `send`.
_DISCONNECTS = "clarion.disconnects"

# Bound once: from CPython 3.12 on, reading a method of an imported object binds it each time.
_has_start_listeners = request_started.has_listeners
_has_exception_listeners = got_request_exception.has_listeners
_has_finish_listeners = request_finished.has_listeners

# The exceptions that Starlette, FastAPI and Litestar raise after a disconnect.
_EXCEPTIONS = {"ClientDisconnect", "WebSocketDisconnect"}


class SignalMiddleware:
    """An ASGI application that sends Django's request signals around another one.

    The sender is the class of the middleware, as the sender in Django is the class of the handler.

    Args:
        app: the application. Its exceptions are reported, and raised again.

    If a receiver of `request_started` raises, the application is not called, and
    `request_finished` is not sent, as in Django 6.1.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a connection to the application."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        sender = type(self)
        # Each request runs this code, so it creates no coroutine and no context manager. The
        # middleware of a mounted application serves the same request.
        token = request_boundaries.set(scope.setdefault(_BOUNDARIES, []))
        try:
            if _has_start_listeners(sender):
                await request_started.asend(sender=sender, environ=None, scope=scope)
            try:
                if _has_exception_listeners(None):
                    await self._watch(scope, receive, send)
                else:
                    await self.app(scope, receive, send)
            except Exception:
                with suppress(*_cancellations()):
                    await _finish(sender)
                raise
            except BaseException:
                await _finish(sender)
                raise
            if _has_finish_listeners(sender):
                await _finish(sender)
        finally:
            request_boundaries.reset(token)

    async def _watch(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the application, and report its exceptions while the client is connected."""
        signs: list[object] = []
        scope[_DISCONNECTS] = signs

        async def receive_and_note() -> object:
            message = await receive()
            if message["type"].endswith(".disconnect"):
                signs.append(message)
            return message

        async def send_or_note(message: object) -> None:
            try:
                await send(message)
            except OSError as error:
                signs.append(error)
                raise

        try:
            await self.app(scope, receive_and_note, send_or_note)
        except Exception as error:
            scope[_DISCONNECTS] = signs  # an inner middleware has removed its own list
            # A server may cancel the request meanwhile, because the client leaves.
            with suppress(*_cancellations()):
                await _report(error, scope)
            raise
        finally:
            # A stored error would keep this frame alive.
            signs.clear()
            scope.pop(_DISCONNECTS, None)
            scope.pop(_REPORTED, None)


async def report(exception: Exception, scope: Any) -> None:
    """Send `got_request_exception`, for a framework that handles exceptions itself.

    Call it while the exception is handled. The middleware does not report the exception again.
    An exception that was raised because the client disconnected is not reported. Nor is the
    framework's `HTTPException` with a status below 500, such as a 404, as in Django.

    Args:
        exception: the exception.
        scope: the connection, as the application received it.
    """
    if not _is_answer(exception):
        await _report(exception, scope)


async def _report(exception: Exception, scope: Any) -> None:
    if not got_request_exception.has_listeners(None):
        return
    if _is_disconnect(exception, scope.get(_DISCONNECTS)):
        return
    if scope.get(_REPORTED) is not exception:
        scope[_REPORTED] = exception
        await got_request_exception.asend(sender=None, request=Request(exception, scope=scope))


def _is_answer(error: Exception) -> bool:
    """Return whether an exception is a response with a status below 500."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)  # Werkzeug's
    names = {kind.__name__ for kind in type(error).__mro__}
    return "HTTPException" in names and isinstance(status, int) and status < 500  # noqa: PLR2004


def _is_disconnect(error: BaseException | None, signs: list[object] | None) -> bool:
    """Return whether an error, or one that led to it, says that the client disconnected."""
    seen: set[int] = set()
    while error is not None and signs and id(error) not in seen:
        if type(error).__name__ in _EXCEPTIONS or any(error is sign for sign in signs):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _cancellations() -> list[type[BaseException]]:
    """Return the exceptions that cancel a task, of the libraries that are loaded."""
    trio: Any = sys.modules.get("trio")
    others = [] if trio is None else [trio.Cancelled]
    return [asyncio.CancelledError, *others]


async def _finish(sender: type) -> None:
    if request_finished.has_listeners(sender):
        await _send_to_the_end(partial(request_finished.asend, sender=sender))


async def _send_to_the_end(send: Callable[[], Awaitable[object]]) -> None:
    """Await a send to its end, even if the caller is cancelled, once or several times."""
    if asyncio._get_running_loop() is None:
        await send()  # another library runs the task, such as trio
        return
    begun: list[bool] = []

    async def sending() -> None:
        begun.append(True)
        await send()

    tasks: list[asyncio.Task[None]] = []
    loops.start_tasks([sending()], tasks, copy_context())
    try:
        await loops.wait_for_all(tasks)
    finally:
        # A loop that shuts down cancels every task, also one that has not begun.
        if not begun:
            await send()
    tasks[0].result()
