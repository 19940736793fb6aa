"""The ASGI middleware: WebSockets, and clients that disconnect, which is no failure."""

import asyncio
import socket
import threading
from typing import Any

import litestar
import pytest
from starlette.applications import Starlette
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
)
from tests.integrations.servers import serving_asgi, talking, wait_until


def starlette(route):
    """Make an application of Starlette with one route and the middleware."""
    app = Starlette(routes=[route])
    app.add_middleware(SignalMiddleware)
    return app


async def echo(websocket):
    """Send back what the client sends, until it disconnects."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def listen(websocket):
    """Receive until Starlette raises an exception, because the client disconnects."""
    await websocket.accept()
    while True:
        await websocket.receive_text()


def test_a_websocket_is_a_request(log):
    """The request of a websocket starts with the handshake and finishes when it is closed."""
    with serving_asgi(starlette(WebSocketRoute("/", echo))) as place:
        with connect(f"ws://{place}/") as client:
            client.send("hello")
            assert client.recv() == "hello"
            assert log == ["started"]
        wait_until(lambda: len(log) > 1)
    assert log == ["started", "finished"]


def test_a_refused_websocket_is_finished(log):
    """A refused websocket is finished, because its handshake was a request."""

    async def refuse(websocket):
        await websocket.close()

    app = starlette(WebSocketRoute("/", refuse))
    with serving_asgi(app) as place, pytest.raises(InvalidStatus), connect(f"ws://{place}/"):
        pass
    assert log == ["started", "finished"]


def test_a_websocket_that_fails_is_reported(log):
    """An exception that closes a websocket is reported with its request."""
    requests = []
    got_request_exception.connect(
        lambda sender, request, **kwargs: requests.append((request.method, request.path))
    )

    async def fail(websocket):
        await websocket.accept()
        raise ValueError("no words")

    with (
        serving_asgi(starlette(WebSocketRoute("/talk", fail))) as place,
        connect(f"ws://{place}/talk") as client,
        pytest.raises(ConnectionClosed),
    ):
        client.recv()
    assert log == ["started", "failed", "finished"]
    assert requests == [("GET", "/talk")]


@pytest.mark.parametrize("is_inside", [False, True], ids=["alone", "inside another middleware"])
def test_a_client_that_disconnects_ends_its_stream(log, is_inside):
    """If a client leaves a stream, the request is finished, and no exception is reported."""

    async def slow(sender, **kwargs):
        await asyncio.sleep(0.05)
        log.append("returned")

    async def parts():
        while True:
            yield b"more " * 1000
            await asyncio.sleep(0.001)

    async def endpoint(request):
        return StreamingResponse(parts())

    async def through(request, call_next):
        return await call_next(request)

    request_finished.connect(slow)
    app = starlette(Route("/", endpoint))
    if is_inside:
        app.add_middleware(BaseHTTPMiddleware, dispatch=through)
    with serving_asgi(app) as place:
        with talking(place) as connection:
            assert connection.recv(100)
        wait_until(lambda: "returned" in log)
    assert log == ["started", "finished", "returned"]


def test_an_interrupted_upload_is_no_failure(log):
    """An interrupted upload is not reported, as in Django."""

    async def upload(request):
        return PlainTextResponse(str(len(await request.body())))

    with serving_asgi(starlette(Route("/", upload, methods=["POST"]))) as place:
        host, port = place.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            wait_until(lambda: log == ["started"])
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]


def test_a_websocket_that_the_client_closes_is_no_failure(log):
    """Starlette's exception for a websocket that the client closes is not reported."""
    with serving_asgi(starlette(WebSocketRoute("/", listen))) as place:
        with connect(f"ws://{place}/") as client:
            client.send("hello")
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]


def test_sending_to_a_client_that_disconnected_is_no_failure(log):
    """The OSError for a client that disconnected, and an exception from it, are not reported."""
    closed = threading.Event()

    async def talk(websocket):
        await websocket.accept()
        await asyncio.to_thread(closed.wait)
        while True:
            await websocket.send_text("hello?")
            await asyncio.sleep(0.001)

    with serving_asgi(starlette(WebSocketRoute("/", talk))) as place:
        with connect(f"ws://{place}/") as client:
            client.close()
        closed.set()
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]


def test_another_exception_after_the_disconnect_is_reported(log):
    """After a disconnect another exception is reported, because the application has failed."""

    async def leave(websocket):
        await websocket.accept()
        async for _ in websocket.iter_text():
            pass
        raise ValueError("untidy")

    with serving_asgi(starlette(WebSocketRoute("/", leave))) as place:
        with connect(f"ws://{place}/"):
            pass
        wait_until(lambda: "finished" in log)
    assert log == ["started", "failed", "finished"]


def test_a_hook_reports_no_disconnect(log):
    """Litestar calls its hook for a disconnect too, with the scope that records it."""

    @litestar.websocket("/")
    async def endpoint(socket: litestar.WebSocket[Any, Any, Any]) -> None:
        await listen(socket)

    app = SignalMiddleware(litestar.Litestar([endpoint], after_exception=[report]))
    with serving_asgi(app) as place:
        with connect(f"ws://{place}/"):
            pass
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]
