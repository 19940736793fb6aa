"""The ASGI door, when the client has gone: what frameworks raise of it is no failure."""

import socket
from typing import Any

import litestar
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from websockets.sync.client import connect

from clarion.integrations.asgi import (
    SignalMiddleware,
    got_request_exception,
    report,
    request_finished,
    request_started,
)
from tests.integrations.servers import serving_asgi, wait_until


@pytest.fixture
def log():
    """Return a list of what happens, to which the three signals are written."""
    events: list[str] = []
    request_started.connect(lambda **kwargs: events.append("started"))
    got_request_exception.connect(lambda **kwargs: events.append("failed"))
    request_finished.connect(lambda **kwargs: events.append("finished"))
    return events


async def listen(websocket):
    """Hear what comes, and mind no end."""
    await websocket.accept()
    while True:
        await websocket.receive_text()


def test_a_websocket_that_the_client_closes_has_not_failed(log):
    """Starlette raises where the application goes on to receive; that is how it ends."""
    app = Starlette(routes=[WebSocketRoute("/", listen)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        with connect(f"ws://{place}/") as client:
            client.send("hello")
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]


def test_what_goes_wrong_when_the_client_has_gone_is_told(log):
    """An application that fails to tidy up has failed, whoever is there to see it."""

    async def leave(websocket):
        await websocket.accept()
        async for _ in websocket.iter_text():
            pass
        raise ValueError("untidy")

    app = Starlette(routes=[WebSocketRoute("/", leave)])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        with connect(f"ws://{place}/"):
            pass
        wait_until(lambda: "finished" in log)
    assert log == ["started", "failed", "finished"]


def test_an_upload_that_the_client_breaks_off_has_not_failed(log):
    """As in Django, which answers nobody and reports nothing."""

    async def upload(request):
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route("/", upload, methods=["POST"])])
    app.add_middleware(SignalMiddleware)
    with serving_asgi(app) as place:
        host, port = place.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            wait_until(lambda: log == ["started"])
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]


def test_a_hook_does_not_report_that_the_client_has_gone(log):
    """Litestar calls its hook for that, too, with the scope that says so."""

    @litestar.websocket("/")
    async def hear(socket: litestar.WebSocket[Any, Any, Any]) -> None:
        await listen(socket)

    app = SignalMiddleware(litestar.Litestar([hear], after_exception=[report]))
    with serving_asgi(app) as place:
        with connect(f"ws://{place}/"):
            pass
        wait_until(lambda: "finished" in log)
    assert log == ["started", "finished"]
