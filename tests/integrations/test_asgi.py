"""The ASGI door: an ASGI application has Django's request signals."""

import asyncio
import logging
import sys
import threading
from contextvars import ContextVar
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar
from litestar import get as litestar_get
from quart import Quart
from quart import got_request_exception as quart_got_request_exception
from quart import request as quart_request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from clarion.integrations.asgi import (
    SignalMiddleware,
    got_request_exception,
    report,
    request_finished,
    request_started,
)
from tests.integrations.servers import get, serving_asgi, talking, wait_until

SIGNALS: dict[str, Any] = {
    "started": request_started,
    "failed": got_request_exception,
    "finished": request_finished,
}


@pytest.fixture
def log():
    """Return a list of what happens, to which the three signals are written."""
    events: list[str] = []
    for name, signal in SIGNALS.items():
        signal.connect(lambda sender, name=name, **kwargs: events.append(name))
    return events


def saying(text):
    """Make an application that answers with a text."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


async def failing(scope, receive, send):
    """Raise."""
    raise ValueError("no such page")


async def failing_late(scope, receive, send):
    """Raise when the response has begun."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ValueError("no other half")


def test_a_request_is_told_of(log):
    """It starts before the application is called and finishes after the last byte."""

    async def app(scope, receive, send):
        log.append("called")
        await saying("hello")(scope, receive, send)
        log.append("sent")

    with serving_asgi(SignalMiddleware(app)) as place:
        assert get(place).text == "hello"
    assert log == ["started", "called", "sent", "finished"]


def test_keywords_are_djangos():
    """A receiver of Django's ASGI handler hears the scope; one for WSGI is told None."""
    heard: list[Any] = []

    def started(sender, scope, **kwargs):
        heard.append((sender, scope["path"], kwargs))

    def written_for_wsgi(sender, environ, **kwargs):
        heard.append((sender, environ))

    def finished(sender, **kwargs):
        heard.append((sender, kwargs))

    request_started.connect(started)
    request_started.connect(written_for_wsgi)
    request_finished.connect(finished)
    with serving_asgi(SignalMiddleware(saying("hello"))) as place:
        get(place, "/there")
    assert heard == [
        (SignalMiddleware, "/there", {"environ": None}),
        (SignalMiddleware, None),
        (SignalMiddleware, {}),
    ]


def test_the_sender_is_the_class_of_the_middleware():
    """As Django's handlers do, a derived one sends by its own name."""

    class Public(SignalMiddleware):
        pass

    heard: list[Any] = []
    request_started.connect(lambda sender, **kwargs: heard.append("public"), sender=Public)
    with serving_asgi(SignalMiddleware(saying("hello"))) as place:
        get(place)
    with serving_asgi(Public(saying("hello"))) as place:
        get(place)
    assert heard == ["public"]


def test_sync_receivers_do_not_block_the_loop():
    """They run in a thread while the loop goes on; inline ones are called on the loop."""
    threads, ticks = {}, []
    begun, go_on = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/other":
            go_on.set()
        threads["loop"] = threading.get_ident()
        await saying("hello")(scope, receive, send)

    def slow(sender, scope, **kwargs):
        if scope["path"] == "/slow":
            threads["slow"] = threading.get_ident()
            begun.set()
            ticks.append(go_on.wait(20))

    request_started.connect(slow)
    request_started.connect(
        lambda sender, **kwargs: threads.update(inline=threading.get_ident()), inline=True
    )
    with serving_asgi(SignalMiddleware(app)) as place:
        held = threading.Thread(target=get, args=(place, "/slow"))
        held.start()
        assert begun.wait(20)
        get(place, "/other")  # is served while the receiver blocks
        held.join()
    assert ticks == [True]
    assert threads["inline"] == threads["loop"] != threads["slow"]


def test_async_receivers_are_awaited(log):
    """They are done before the application is called."""

    async def started(sender, **kwargs):
        await asyncio.sleep(0.01)
        log.append("awaited")

    request_started.connect(started)

    async def app(scope, receive, send):
        log.append("called")
        await saying("hello")(scope, receive, send)

    with serving_asgi(SignalMiddleware(app)) as place:
        get(place)
    assert log == ["started", "awaited", "called", "finished"]


def test_an_exception_is_told_of(log):
    """The server answers 500, and the request is finished, too."""
    with serving_asgi(SignalMiddleware(failing)) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_an_exception_after_the_response_has_begun_is_told_of(log):
    """The client sees a broken response, the receivers the exception."""
    with (
        serving_asgi(SignalMiddleware(failing_late)) as place,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        get(place)
    assert log == ["started", "failed", "finished"]


def test_receivers_know_the_exception(caplog):
    """It is being handled, in a thread as on the loop, and the request has Django's attributes."""
    heard: list[Any] = []

    def hear(sender, request, **kwargs):
        error = sys.exception()
        logging.getLogger("tests").exception("as in Django")  # noqa: LOG004 - it is in one
        heard.append((sender, repr(error), request.exception is error, repr(request)))

    async def hear_on_the_loop(sender, request, **kwargs):
        await asyncio.sleep(0)
        heard.append(sys.exception() is request.exception)

    got_request_exception.connect(hear)
    got_request_exception.connect(hear_on_the_loop)
    with serving_asgi(SignalMiddleware(failing)) as place:
        get(place, "/lost")
    assert heard == [
        (None, "ValueError('no such page')", True, "<Request: GET '/lost'>"),
        True,
    ]
    logged = next(record for record in caplog.records if record.name == "tests")
    assert logged.exc_text is not None
    assert "ValueError: no such page" in logged.exc_text


def test_a_receiver_that_raises_keeps_a_request_from_starting(log):
    """As in Django, the application is not called, and nothing is finished."""

    def refuse(sender, **kwargs):
        raise PermissionError("not today")

    request_started.connect(refuse, priority=1)
    with serving_asgi(SignalMiddleware(saying("hello"))) as place:
        assert get(place).status_code == 500
    assert log == []


def test_a_receiver_that_raises_at_the_end_harms_no_response(log):
    """The client has its response; the server logs the exception."""
    request_finished.connect(lambda sender, **kwargs: 1 / 0)
    with serving_asgi(SignalMiddleware(saying("hello"))) as place:
        assert get(place).text == "hello"
    assert log == ["started", "finished"]


def test_a_receiver_that_raises_over_an_exception_does_not_hide_the_end(log):
    """The request is finished, whatever receivers of the exception do."""
    got_request_exception.connect(lambda sender, **kwargs: 1 / 0)
    with serving_asgi(SignalMiddleware(failing)) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_what_receivers_set_is_seen_by_the_application_and_at_the_end():
    """Context variables go along, and do not reach the next request of the connection."""
    number: ContextVar[str] = ContextVar("number")
    seen: list[str] = []
    request_started.connect(lambda sender, scope, **kwargs: number.set(scope["path"]))
    request_finished.connect(lambda sender, **kwargs: seen.append(number.get()))

    async def app(scope, receive, send):
        await saying(number.get())(scope, receive, send)

    with (
        serving_asgi(SignalMiddleware(app)) as place,
        httpx.Client(base_url=f"http://{place}", trust_env=False) as client,
    ):
        assert [client.get(path).text for path in ("/1", "/2", "/3")] == ["/1", "/2", "/3"]
    assert sorted(seen) == ["/1", "/2", "/3"]


def test_the_lifespan_is_no_request(log):
    """A server that starts and stops sends nothing."""
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


async def stream():
    """Give parts of a body for ever."""
    while True:
        yield b"more " * 1000
        await asyncio.sleep(0.001)


async def streaming(request):
    """Answer with a body that does not end."""
    return StreamingResponse(stream())


def test_a_stream_is_finished_after_its_last_part(log):
    """Not when the response begins."""

    async def parts():
        for part in ("a", "b", "c"):
            log.append(part)
            yield part

    async def endpoint(request):
        return StreamingResponse(parts())

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        assert get(place).text == "abc"
    assert log == ["started", "a", "b", "c", "finished"]


@pytest.mark.parametrize(
    "is_inside", [False, True], ids=["ignore_outer", "inside another middleware"]
)
def test_a_client_that_goes_amid_a_stream_ends_the_request(log, is_inside):
    """It is finished, its receivers run to their end, and nothing counts as an exception."""

    async def slow(sender, **kwargs):
        await asyncio.sleep(0.05)
        log.append("done")

    request_finished.connect(slow)
    app = Starlette(routes=[Route("/", streaming)])
    app.add_middleware(SignalMiddleware)
    if is_inside:

        async def through(request, call_next):
            return await call_next(request)

        app.add_middleware(BaseHTTPMiddleware, dispatch=through)
    with serving_asgi(app) as place:
        with talking(place) as talk:
            assert talk.recv(100)
        wait_until(lambda: "done" in log)
    assert log == ["started", "finished", "done"]


def test_a_background_task_belongs_to_its_request(log):
    """The request is finished after it, so that it may use what belongs to the request."""

    async def endpoint(request):
        return PlainTextResponse("hello", background=BackgroundTask(lambda: log.append("task")))

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        assert get(place).text == "hello"
    assert log == ["started", "task", "finished"]


def test_a_request_that_is_cancelled_is_finished(log):
    """Whoever cancels it waits until the receivers have run to their end."""

    async def slow(sender, **kwargs):
        await asyncio.sleep(0.05)
        log.append("done")

    async def impatient(scope, receive, send):
        with anyio.CancelScope() as patience:  # which cancels again and again

            async def app(scope, receive, send):
                patience.cancel()
                await asyncio.sleep(60)

            await SignalMiddleware(app)(scope, receive, send)
        await saying("too late")(scope, receive, send)

    request_finished.connect(slow)
    with serving_asgi(impatient) as place:
        assert get(place).text == "too late"
    assert log == ["started", "finished", "done"]


def test_a_server_that_stops_waiting_ends_the_request():
    """Also while the loop is taken down, which cancels every task, inline receivers hear of it."""
    begun, events = threading.Event(), []
    request_finished.connect(lambda sender, **kwargs: events.append("finished"), inline=True)

    async def app(scope, receive, send):
        begun.set()
        await asyncio.sleep(60)

    with serving_asgi(SignalMiddleware(app), timeout_graceful_shutdown=1) as place, talking(place):
        assert begun.wait(20)
        assert events == []
    assert events == ["finished"]


def test_an_end_that_had_no_time_to_begin_is_sent_all_the_same(log):
    """A loop that is taken down cancels every task, also the one that was to tell of the end."""
    request_finished.connect(lambda sender, **kwargs: log.append("inline"), inline=True)

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
        # As asyncio.run does at the end.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    for registration in request_finished._table.registrations():
        if not registration.inline:
            request_finished.disconnect(registration.live())
    asyncio.run(serve())
    assert log == ["started", "inline"]


async def echo(websocket):
    """Send back what comes, until the client goes."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def test_a_websocket_is_told_of(log):
    """It starts with the handshake and finishes when it is closed."""
    app = Starlette(routes=[WebSocketRoute("/", echo)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        with connect(f"ws://{place}/") as socket:
            socket.send("hello")
            assert socket.recv() == "hello"
            assert log == ["started"]
        wait_until(lambda: len(log) > 1)
    assert log == ["started", "finished"]


def test_a_websocket_that_is_refused_is_finished(log):
    """The handshake was a request like any other."""

    async def refuse(websocket):
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/", refuse)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place, pytest.raises(InvalidStatus), connect(f"ws://{place}/"):
        pass
    assert log == ["started", "finished"]


def test_a_websocket_that_fails_is_told_of(log):
    """An exception of the application closes it, and is told with the request."""
    asked = []
    got_request_exception.connect(
        lambda sender, request, **kwargs: asked.append((request.method, request.path))
    )

    async def fail(websocket):
        await websocket.accept()
        raise ValueError("no words")

    app = Starlette(routes=[WebSocketRoute("/talk", fail)])
    app.add_middleware(SignalMiddleware)
    with (
        serving_asgi(app) as place,
        connect(f"ws://{place}/talk") as socket,
        pytest.raises(ConnectionClosed),
    ):
        socket.recv()
    assert log == ["started", "failed", "finished"]
    assert asked == [("GET", "/talk")]


def test_sending_to_a_client_that_is_gone_is_no_exception(log):
    """The server says so by an OSError; whatever the application makes of it is not told."""
    gone = threading.Event()

    async def talk(websocket):
        await websocket.accept()
        await asyncio.to_thread(gone.wait)
        while True:
            await websocket.send_text("hello?")
            await asyncio.sleep(0.001)

    app = Starlette(routes=[WebSocketRoute("/", talk)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        with connect(f"ws://{place}/") as socket:
            socket.close()
        gone.set()
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]


def test_an_application_that_sends_nonsense_has_failed(log):
    """What the server raises about its messages is the application's own exception."""

    async def app(scope, receive, send):
        await send({"type": "http.response.body", "body": b"before the start"})

    with serving_asgi(SignalMiddleware(app)) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_fastapi(log):
    """A FastAPI application sends them; an HTTPException is an answer, not a failure."""
    from fastapi import HTTPException

    app = FastAPI()
    app.add_middleware(SignalMiddleware)

    @app.get("/{name}")
    def page(name: str) -> str:
        log.append(name)
        if name == "missing":
            raise HTTPException(404)
        if name == "broken":
            raise ValueError(name)
        return name

    with serving_asgi(app) as place:
        codes = [get(place, f"/{name}").status_code for name in ("there", "missing", "broken")]
    assert codes == [200, 404, 500]
    assert log == [
        *("started", "there", "finished"),
        *("started", "missing", "finished"),
        *("started", "broken", "failed", "finished"),
    ]


def test_litestar(log):
    """A Litestar application, which answers exceptions itself, reports them by its hook."""

    @litestar_get("/there")
    async def page() -> str:
        return "there"

    @litestar_get("/broken")
    async def broken() -> str:
        raise ValueError("broken")

    app = Litestar([page, broken], middleware=[SignalMiddleware], after_exception=[report])
    with serving_asgi(app) as place:
        codes = [get(place, f"/{name}").status_code for name in ("there", "broken")]
    assert codes == [200, 500]
    assert log == ["started", "finished", "started", "failed", "finished"]


def test_quart(log, tmp_path):
    """A Quart application, which answers exceptions itself, reports them by its own signal."""
    app = Quart("quart_pages", root_path=str(tmp_path))

    @app.get("/<name>")
    async def page(name):
        if name == "broken":
            raise ValueError(name)
        return name

    async def tell(app, exception):
        await report(exception, quart_request.scope)

    app.asgi_app = SignalMiddleware(app.asgi_app)  # type: ignore[method-assign]
    with quart_got_request_exception.connected_to(tell, app), serving_asgi(app) as place:
        codes = [get(place, f"/{name}").status_code for name in ("there", "broken")]
    assert codes == [200, 500]
    assert log == ["started", "finished", "started", "failed", "finished"]


def test_what_was_reported_is_not_reported_again(log):
    """A framework may report an exception and raise it on."""

    async def app(scope, receive, send):
        try:
            await failing(scope, receive, send)
        except ValueError as error:
            await report(error, scope)
            log.append("raised on")
            raise

    with serving_asgi(SignalMiddleware(app)) as place:
        get(place)
    assert log == ["started", "failed", "raised on", "finished"]


def test_nobody_needs_to_listen():
    """Without receivers, requests are served and exceptions raised as without the middleware."""
    with serving_asgi(SignalMiddleware(saying("hello"))) as place:
        assert get(place).text == "hello"
    with serving_asgi(SignalMiddleware(failing)) as place:
        assert get(place).status_code == 500


def test_outside_asyncio_the_loop_is_not_asked_for(log):
    """Where another library awaits, async receivers and inline ones hear all three."""
    for signal in SIGNALS.values():
        for registration in signal._table.registrations():
            signal.disconnect(registration.live())
    for name, signal in SIGNALS.items():
        signal.connect(lambda sender, name=name, **kwargs: log.append(name), inline=True)
    with pytest.raises(ValueError, match="no such page"):
        SignalMiddleware(failing)({"type": "http", "path": "/"}, None, None).send(None)
    assert log == ["started", "failed", "finished"]
