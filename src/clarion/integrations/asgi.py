"""The ASGI door: an ASGI application has Django's request signals.

    app.add_middleware(SignalMiddleware)        # FastAPI, Starlette
    app = SignalMiddleware(app)                 # any

`request_started` is sent before the application is called, `request_finished` when its
call is over, `got_request_exception` in between if it raises. They are sent for requests
and for websockets, and awaited: sync receivers run in a thread, or on the loop with
`inline=True`. Nothing but a protocol is needed, so there is no extra to install.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import partial
from typing import Any, TypeAlias

from clarion._core import loops
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

# Any, for frameworks have types of their own for what a server gives them.
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

# What was reported of a connection last, so that it is not reported twice.
_REPORTED = "clarion.reported"

# What has shown that the client is gone: messages of the server, and errors of its `send`.
_GONE = "clarion.gone"

# What frameworks raise when they are told so: Starlette, hence FastAPI, and Litestar.
_DISCONNECTS = {"ClientDisconnect", "WebSocketDisconnect"}


class SignalMiddleware:
    """An ASGI application that sends Django's request signals around another.

    The signals' sender is this class, or one derived from it, as Django's handlers are.

    Args:
        app: the application. What it raises is reported, and raised on.

    An exception of a receiver of `request_started` keeps the application from being
    called, and `request_finished` from being sent, as in Django 6.1.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a connection on to the application."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        sender = type(self)
        if request_started.has_listeners(sender):
            await request_started.asend(sender=sender, environ=None, scope=scope)
        try:
            if got_request_exception.has_listeners(None):
                await self._watch(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        finally:
            if request_finished.has_listeners(sender):
                await _outlast(partial(request_finished.asend, sender=sender))

    async def _watch(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the application, and report what it raises over a client that is there."""
        gone: list[object] = []
        scope[_GONE] = gone

        async def receive_and_note() -> object:
            message = await receive()
            if message["type"].endswith(".disconnect"):
                gone.append(message)
            return message

        async def send_or_note(message: object) -> None:
            try:
                await send(message)
            except OSError as error:
                gone.append(error)
                raise

        try:
            await self.app(scope, receive_and_note, send_or_note)
        except Exception as error:
            scope[_GONE] = gone  # one that is inside has taken its own away
            await report(error, scope)
            raise
        finally:
            # An error that is kept would keep this frame.
            gone.clear()
            scope.pop(_GONE, None)
            scope.pop(_REPORTED, None)


async def report(exception: Exception, scope: Any) -> None:
    """Send `got_request_exception`, for a framework that answers exceptions itself.

    It has to be called while the exception is handled. What is raised on to the middleware
    later is not reported again, and what comes of a client that has gone is not at all.

    Args:
        exception: what was raised.
        scope: the connection, as the application was given it.
    """
    if not got_request_exception.has_listeners(None) or _comes_of(exception, scope.get(_GONE)):
        return
    if scope.get(_REPORTED) is not exception:
        scope[_REPORTED] = exception
        await got_request_exception.asend(sender=None, request=Request(exception, scope=scope))


def _comes_of(error: BaseException | None, gone: list[object] | None) -> bool:
    """Tell whether an error says that the client is gone, or was raised while one did."""
    seen: set[int] = set()
    while error is not None and gone and id(error) not in seen:
        if type(error).__name__ in _DISCONNECTS or any(error is each for each in gone):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


async def _outlast(send: Callable[[], Awaitable[object]]) -> None:
    """Await a send to its end, however often who awaits it is cancelled meanwhile."""
    if asyncio._get_running_loop() is None:
        await send()  # in a task of trio's, say
        return
    begun: list[bool] = []

    async def sending() -> None:
        begun.append(True)
        await send()

    tasks: list[asyncio.Task[None]] = []
    loops._start([sending()], tasks, copy_context())
    try:
        await loops._outlast(tasks)
    finally:
        # Who takes a loop down cancels every task, those that have not begun included.
        if not begun:
            await send()
    tasks[0].result()
