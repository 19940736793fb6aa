"""The ASGI middleware: event loop, streams, cancellation, shutdown."""

import asyncio
import logging
import sys
import threading
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from clarion.integrations.asgi import (
    SignalMiddleware,
    got_request_exception,
    request_finished,
    request_started,
)
from tests.integrations.frameworks import asgi_app
from tests.integrations.servers import get, serving_asgi, talking

hello = asgi_app(lambda path: ["hello"])


async def failing(scope, receive, send):
    """Raise."""
    raise ValueError("no such page")


@pytest.fixture
def inline_log():
    """Return a list of events; inline receivers add the three request signals to it."""
    events: list[str] = []
    request_started.connect(lambda sender, **kwargs: events.append("started"), inline=True)
    got_request_exception.connect(lambda sender, **kwargs: events.append("failed"), inline=True)
    request_finished.connect(lambda sender, **kwargs: events.append("finished"), inline=True)
    return events


def test_sync_receivers_do_not_block_the_event_loop():
    """Sync receivers run in a worker thread, and inline ones on the event loop."""
    threads, waits = {}, []
    begun, go_on = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/other":
            go_on.set()
        threads["loop"] = threading.get_ident()
        await hello(scope, receive, send)

    def slow(sender, scope, **kwargs):
        if scope["path"] == "/slow":
            threads["slow"] = threading.get_ident()
            begun.set()
            waits.append(go_on.wait(20))

    request_started.connect(slow)
    request_started.connect(
        lambda sender, **kwargs: threads.update(inline=threading.get_ident()), inline=True
    )
    with serving_asgi(SignalMiddleware(app)) as place:
        client = threading.Thread(target=get, args=(place, "/slow"))
        client.start()
        assert begun.wait(20)
        get(place, "/other")  # is served while the receiver blocks
        client.join()
    assert waits == [True]
    assert threads["inline"] == threads["loop"] != threads["slow"]


def test_async_receivers_may_wait(log):
    """The application is called when async receivers have returned."""

    async def started(sender, **kwargs):
        await asyncio.sleep(0.01)
        log.append("awaited")

    request_started.connect(started)

    async def app(scope, receive, send):
        log.append("called")
        await hello(scope, receive, send)

    with serving_asgi(SignalMiddleware(app)) as place:
        get(place)
    assert log == ["started", "awaited", "called", "finished"]


def test_receivers_see_the_exception_in_each_thread(caplog):
    """The exception is being handled in the worker thread, where logging finds it, and on the loop."""
    calls: list[Any] = []

    def in_thread(sender, request, **kwargs):
        calls.append(sys.exception() is request.exception)
        logging.getLogger("tests").exception("as in Django")  # noqa: LOG004 - one is handled

    async def on_the_loop(sender, request, **kwargs):
        await asyncio.sleep(0)
        calls.append(sys.exception() is request.exception)

    got_request_exception.connect(in_thread)
    got_request_exception.connect(on_the_loop)
    with serving_asgi(SignalMiddleware(failing)) as place:
        get(place, "/lost")
    assert calls == [True, True]
    logged = next(record for record in caplog.records if record.name == "tests")
    assert logged.exc_text is not None
    assert "ValueError: no such page" in logged.exc_text


def test_the_lifespan_is_no_request(log):
    """A server that starts and stops sends no signal."""
    states: list[str] = []

    async def app(scope, receive, send):
        assert scope["type"] == "lifespan"
        while len(states) < 2:
            states.append((await receive())["type"])
            await send({"type": f"{states[-1]}.complete"})

    with serving_asgi(SignalMiddleware(app), lifespan="on"):
        pass
    assert states == ["lifespan.startup", "lifespan.shutdown"]
    assert log == []


def test_a_background_task_belongs_to_its_request(log):
    """The request is finished after its background task, which may use the request's resources."""

    async def endpoint(request):
        return PlainTextResponse("hello", background=BackgroundTask(lambda: log.append("task")))

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        assert get(place).text == "hello"
    assert log == ["started", "task", "finished"]


def test_a_cancelled_request_is_finished(log):
    """Code that cancels a request waits until the receivers of its end have returned."""

    async def slow(sender, **kwargs):
        await asyncio.sleep(0.05)
        log.append("returned")

    async def impatient(scope, receive, send):
        with anyio.CancelScope() as patience:  # which cancels again and again

            async def app(scope, receive, send):
                patience.cancel()
                await asyncio.sleep(60)

            await SignalMiddleware(app)(scope, receive, send)
        await asgi_app(lambda path: ["too late"])(scope, receive, send)

    request_finished.connect(slow)
    with serving_asgi(impatient) as place:
        assert get(place).text == "too late"
    assert log == ["started", "finished", "returned"]


def test_a_server_that_stops_ends_the_request():
    """Inline receivers are called while the event loop shuts down and cancels every task."""
    begun, events = threading.Event(), []
    request_finished.connect(lambda sender, **kwargs: events.append("finished"), inline=True)

    async def app(scope, receive, send):
        begun.set()
        await asyncio.sleep(60)

    with serving_asgi(SignalMiddleware(app), timeout_graceful_shutdown=1) as place, talking(place):
        assert begun.wait(20)
        assert events == []
    assert events == ["finished"]


def test_the_end_is_sent_although_its_task_did_not_begin(inline_log):
    """The end is sent, although the loop that shuts down cancels the task that would send it."""

    async def serve():
        begun = asyncio.Event()

        async def app(scope, receive, send):
            begun.set()
            await asyncio.sleep(60)

        call = SignalMiddleware(app)({"type": "http", "path": "/"}, None, None)
        request = asyncio.ensure_future(call)
        await begun.wait()
        request.cancel()
        await asyncio.sleep(0)
        # asyncio.run() does the same at its end.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    asyncio.run(serve())
    assert inline_log == ["started", "finished"]


def test_wrong_messages_are_a_failure(log):
    """The server raises an error about the application's messages, which is reported."""

    async def app(scope, receive, send):
        await send({"type": "http.response.body", "body": b"before the start"})

    with serving_asgi(SignalMiddleware(app)) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_outside_asyncio_no_event_loop_is_needed(inline_log):
    """If another library awaits the middleware, inline and async receivers are called."""
    with pytest.raises(ValueError, match="no such page"):
        SignalMiddleware(failing)({"type": "http", "path": "/"}, None, None).send(None)
    assert inline_log == ["started", "failed", "finished"]
