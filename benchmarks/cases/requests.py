"""Requests through the middleware without receivers, and requests without the middleware.

The applications only respond, and no server is involved. The rest of a real request costs the
same on both sides.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.cases import Case, Pair, UnavailableError
from benchmarks.timing import Run, coroutine, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers import Library

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "root_path": "",
    "query_string": b"",
    "headers": [(b"host", b"example.org")],
    "client": ("127.0.0.1", 4711),
    "server": ("127.0.0.1", 8000),
}
ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Respond to a request, in ASGI."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def respond(environ: Any, start_response: Any) -> list[bytes]:
    """Respond to a request, in WSGI."""
    start_response("200 OK", [])
    return [b"hello"]


async def receive() -> Any:
    """Return an empty request body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None:
    """Accept a message."""


def start_response(status: str, headers: Any) -> None:
    """Accept the head of a response."""


def asgi(app: Callable[..., Any]) -> Run:
    """Time requests to an ASGI application, each with a new scope."""
    code = "await app({**scope}, receive, send)"
    return coroutine(code, app=app, scope=SCOPE, receive=receive, send=send)


def wsgi(app: Callable[..., Any]) -> Run:
    """Time requests to a WSGI application, each with a new environ."""
    code = "for part in app({**environ}, start_response): pass"
    return statement(code, app=app, environ=ENVIRON, start_response=start_response)


def bare_asgi(libraries: Sequence[Library]) -> list[Pair]:
    """Send requests to an application without a framework."""
    from clarion.integrations.asgi import SignalMiddleware

    return [Pair(libraries[0].name, asgi(SignalMiddleware(answer)), asgi(answer))]


def starlette(libraries: Sequence[Library]) -> list[Pair]:
    """Send requests to a Starlette application with one route."""
    from clarion.integrations.asgi import SignalMiddleware

    try:
        framework, routing = import_module("starlette.applications"), "starlette.routing"
        routes = [import_module(routing).Route("/", page)]
    except ImportError:
        raise UnavailableError("Starlette is not installed") from None
    with_it, without = (framework.Starlette(routes=routes) for _ in range(2))
    with_it.add_middleware(SignalMiddleware)
    return [Pair(libraries[0].name, asgi(with_it), asgi(without))]


async def page(request: Any) -> Any:
    """Respond to a request, in Starlette."""
    return import_module("starlette.responses").Response(b"hello")


def bare_wsgi(libraries: Sequence[Library]) -> list[Pair]:
    """Send requests to an application without a framework."""
    from clarion.integrations.wsgi import SignalMiddleware

    return [Pair(libraries[0].name, wsgi(SignalMiddleware(respond)), wsgi(respond))]


WITHOUT = "without the middleware"
CASES = [
    Case("ASGI request, Starlette, no receiver", WITHOUT, 1.10, starlette),
    Case("ASGI request, bare application, no receiver", WITHOUT, None, bare_asgi),
    Case("WSGI request, bare application, no receiver", WITHOUT, None, bare_wsgi),
]
