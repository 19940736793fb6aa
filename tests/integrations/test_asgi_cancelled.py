"""An application that fails while its client leaves: its own exception counts."""

import asyncio
import time

import pytest
import trio

from clarion.integrations.asgi import (
    SignalMiddleware,
    got_request_exception,
    report,
    request_finished,
)

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


class LostError(Exception):
    """The exception of the application."""


async def failing(scope, receive, send):
    """Raise."""
    raise LostError


async def call(app=failing):
    """Call an application behind the middleware, with a scope of its own."""
    await SignalMiddleware(app)(dict(SCOPE), None, None)


async def cancelled_when(begun, app=failing):
    """Cancel the call when a receiver has begun, and return what it raised."""
    task = asyncio.create_task(call(app))
    while not begun:  # noqa: ASYNC110 - a receiver may begin in a thread
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    return None if task.cancelled() else task.exception()


def receiver_of(kind, begun, ended):
    """Make a receiver that takes a while: on the event loop, or in a thread."""

    async def on_the_loop(sender, **kwargs):
        begun.append(True)
        await asyncio.sleep(0.05)
        ended.append(True)

    def in_thread(sender, **kwargs):
        begun.append(True)
        time.sleep(0.05)
        ended.append(True)

    return {"on the loop": on_the_loop, "in a thread": in_thread}[kind]


@pytest.mark.parametrize("kind", ["on the loop", "in a thread"])
@pytest.mark.parametrize("signal", [got_request_exception, request_finished], ids=lambda s: s.name)
def test_the_exception_of_the_application_is_raised(signal, kind):
    """The application's exception is raised, even if the request is cancelled while the signal is sent."""
    begun: list[object] = []
    ended: list[object] = []
    signal.connect(receiver_of(kind, begun, ended))
    assert isinstance(asyncio.run(cancelled_when(begun)), LostError)
    if kind == "in a thread" or signal is request_finished:
        assert ended


def test_a_request_without_exception_is_cancelled():
    """A cancelled request without an exception raises the cancellation."""

    async def app(scope, receive, send): ...

    begun: list[object] = []
    ended: list[object] = []
    request_finished.connect(receiver_of("on the loop", begun, ended))
    assert asyncio.run(cancelled_when(begun, app)) is None
    assert ended


def test_the_exception_is_raised_under_trio():
    """Under trio, which cancels with its own exception, the application's exception is raised."""

    scope = trio.CancelScope()

    async def wait(sender, **kwargs):
        scope.cancel()
        await trio.sleep(60)

    async def main():
        with scope:
            await call()

    got_request_exception.connect(wait)
    with pytest.raises(LostError):
        trio.run(main)


class HTTPException(Exception):  # noqa: N818 - as they call it
    """As in Starlette, Litestar (`status_code`) and Werkzeug (`code`)."""


@pytest.mark.parametrize("name", ["status_code", "code"])
@pytest.mark.parametrize(("status", "is_reported"), [(404, False), (500, True), (None, True)])
def test_an_answer_is_no_failure(name, status, is_reported):
    """A hook that is called for an HTTP exception below 500 reports nothing."""
    reported = []

    async def note(sender, request, **kwargs):
        reported.append(request.exception)

    got_request_exception.connect(note)
    error = type("NotFound", (HTTPException,), {name: status})()
    asyncio.run(report(error, dict(SCOPE)))
    assert bool(reported) is is_reported
    other = type("APIError", (Exception,), {name: status})()
    asyncio.run(report(other, dict(SCOPE)))
    assert reported[-1] is other


def test_an_answer_that_nothing_handles_is_a_failure():
    """An HTTP exception that nothing handles is reported, because the server answers with a 500."""
    reported = []

    async def note(sender, request, **kwargs):
        reported.append(request.exception)

    async def app(scope, receive, send):
        raise error

    got_request_exception.connect(note)
    error = type("NotFound", (HTTPException,), {"status_code": 404})()
    with pytest.raises(HTTPException):
        asyncio.run(call(app))
    assert reported == [error]
