"""The same pages in each framework, with the signals of their requests.

Every application has these pages: `/page` answers, `/broken` raises ValueError, `/missing` is
not found, and `/stream` answers in three parts. The pages write what they do to a log.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import fastapi
import flask
import litestar
import quart
from litestar.response import Stream
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from clarion.integrations import asgi, wsgi
from tests.integrations.servers import Waitress, serving_asgi, serving_wsgi

TEXT = [("Content-Type", "text/plain")]


class Stack(NamedTuple):
    """A framework with its server.

    Attributes:
        build: makes the application, from the log.
        serve: serves an application for the length of a block.
        integration: the module of the middleware.
        not_found: the events of a request for a page that does not exist.
    """

    build: Callable[[list[str]], Any]
    serve: Callable[[Any], Any]
    integration: ModuleType
    not_found: tuple[str, ...] = ("started", "finished")


def asgi_app(respond, reports=False):
    """Make an ASGI application from a function of the path that returns parts of a text.

    Args:
        respond: the function.
        reports: whether to report an exception before it is raised.
    """

    async def app(scope, receive, send):
        try:
            parts = respond(scope["path"])
        except ValueError as error:
            if reports:
                await asgi.report(error, scope)
            raise
        status = 200 if parts else 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        for part in parts:
            body = {"type": "http.response.body", "body": part.encode(), "more_body": True}
            await send(body)
        await send({"type": "http.response.body", "body": b""})

    return app


def wsgi_app(respond, reports=False):
    """Make a WSGI application from such a function, as `asgi_app` does."""

    def app(environ, start_response):
        try:
            parts = respond(environ["PATH_INFO"])
        except ValueError as error:
            if reports:
                wsgi.report(error, environ)
            raise
        start_response("200 OK" if parts else "404 Not Found", [*TEXT])
        body = (part.encode() for part in parts)
        return [*body] if isinstance(parts, list) else body

    return app


def answer(log, name):
    """Return the text of a page."""
    log.append(name)
    if name == "broken":
        raise ValueError(name)
    return name


def parts(log):
    """Yield the parts of the stream."""
    for part in "abc":
        log.append(part)
        yield part


async def aparts(log):
    """Yield the parts of the stream."""
    for part in parts(log):
        yield part


def respond(log, path):
    """Return the response of a plain application, which is empty where nothing is found."""
    name = path[1:]
    if name == "stream":
        return parts(log)
    return [] if name == "missing" else [answer(log, name)]


def plain_asgi(log):
    """Make a plain ASGI application."""
    return asgi.SignalMiddleware(asgi_app(partial(respond, log)))


def plain_wsgi(log):
    """Make a plain WSGI application."""
    return wsgi.SignalMiddleware(wsgi_app(partial(respond, log)))


def starlette_app(log):
    """Make an application of Starlette."""

    async def page(request):
        return PlainTextResponse(answer(log, request.url.path[1:]))

    async def stream(request):
        return StreamingResponse(aparts(log))

    app = Starlette(routes=[Route("/stream", stream), Route("/page", page), Route("/broken", page)])
    app.add_middleware(asgi.SignalMiddleware)
    return app


def fastapi_app(log):
    """Make an application of FastAPI, in which "not found" is an exception."""
    app = fastapi.FastAPI(default_response_class=PlainTextResponse)
    app.add_middleware(asgi.SignalMiddleware)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(aparts(log))

    @app.get("/{name}")
    def page(name: str) -> str:
        if name == "missing":
            raise fastapi.HTTPException(404)
        return answer(log, name)

    return app


def litestar_app(log):
    """Make an application of Litestar, which handles exceptions and reports them by its hook."""

    @litestar.get("/stream")
    async def stream() -> Stream:
        return Stream(aparts(log))

    @litestar.get(["/page", "/broken"], media_type="text/plain")
    async def page(request: litestar.Request[Any, Any, Any]) -> str:
        return answer(log, request.url.path[1:])

    return litestar.Litestar(
        [stream, page], middleware=[asgi.SignalMiddleware], after_exception=[asgi.report]
    )


def quart_app(log):
    """Make an application of Quart, which handles exceptions and reports them by its signal."""
    app = quart.Quart(__name__)

    @app.get("/stream")
    async def stream():
        return aparts(log)

    @app.get("/<any(page, broken):name>")
    async def page(name):
        return answer(log, name)

    async def report(app, exception):
        await asgi.report(exception, quart.request.scope)

    quart.got_request_exception.connect(report, app, weak=False)
    app.asgi_app = asgi.SignalMiddleware(app.asgi_app)  # type: ignore[method-assign]
    return app


def flask_app(log):
    """Make an application of Flask, which handles exceptions and reports them by its signal."""
    app = flask.Flask(__name__)
    app.logger.disabled = True

    @app.get("/stream")
    def stream():
        return parts(log)

    @app.get("/<any(page, broken):name>")
    def page(name):
        return answer(log, name)

    def report(app, exception):
        wsgi.report(exception, flask.request.environ)

    flask.got_request_exception.connect(report, app, weak=False)
    app.wsgi_app = wsgi.SignalMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    return app


serving_waitress = partial(serving_wsgi, make=Waitress)

# A plain application of each protocol, on each server.
PLAIN = {
    "asgi": Stack(plain_asgi, serving_asgi, asgi),
    "wsgi": Stack(plain_wsgi, serving_wsgi, wsgi),
    "wsgi-waitress": Stack(plain_wsgi, serving_waitress, wsgi),
}
STACKS = PLAIN | {
    "starlette": Stack(starlette_app, serving_asgi, asgi),
    "fastapi": Stack(fastapi_app, serving_asgi, asgi),
    # Litestar's middleware runs after the routing. Its hook is called for a 404, which is no failure.
    "litestar": Stack(litestar_app, serving_asgi, asgi, not_found=()),
    "quart": Stack(quart_app, serving_asgi, asgi),
    "flask": Stack(flask_app, serving_wsgi, wsgi),
    "flask-waitress": Stack(flask_app, serving_waitress, wsgi),
}
