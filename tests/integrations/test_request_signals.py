"""The request signals of both middlewares, in each framework: what must be the same."""

import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, NamedTuple

import httpx
import pytest

from clarion.integrations import asgi
from clarion.signals import got_request_exception, request_finished, request_started
from tests.integrations.frameworks import PLAIN, STACKS, asgi_app, parts, wsgi_app
from tests.integrations.servers import get, wait_until


class Case(NamedTuple):
    """A request, its response, and the events."""

    path: str
    status: int
    text: str | None
    events: tuple[str, ...]


TABLE = (
    Case("/page", 200, "page", ("started", "page", "finished")),
    Case("/missing", 404, None, ("started", "finished")),
    Case("/broken", 500, None, ("started", "broken", "failed", "finished")),
    Case("/stream", 200, "abc", ("started", "a", "b", "c", "finished")),
)


@pytest.mark.parametrize("name", STACKS)
def test_pages(log, name):
    """A request starts before the application runs, and finishes after the last byte."""
    stack = STACKS[name]
    with stack.serve(stack.build(log)) as place:
        for case in TABLE:
            log.clear()
            response = get(place, case.path)
            assert response.status_code == case.status, case
            assert case.text in (None, response.text), case
            events = stack.not_found if case.status == 404 else case.events
            # The client may have the last byte before the request is finished.
            wait_until(lambda events=events: len(log) >= len(events))
            assert (*log,) == events, case


class Plain:
    """A protocol with a server, for applications that a test makes."""

    def __init__(self, name):
        self._serve, self.integration = PLAIN[name].serve, PLAIN[name].integration
        self.is_asgi = self.integration is asgi
        self.request, self.other = ("scope", "environ") if self.is_asgi else ("environ", "scope")
        self.path = "path" if self.is_asgi else "PATH_INFO"

    def serve(self, respond, middleware=None, **options):
        """Serve an application for the length of a block."""
        app = (asgi_app if self.is_asgi else wsgi_app)(respond, **options)
        return self._serve((middleware or self.integration.SignalMiddleware)(app))


@pytest.fixture(params=PLAIN)
def plain(request):
    """Return each protocol on each server."""
    return Plain(request.param)


def hello(path):
    """Answer."""
    return ["hello"]


def failing(path):
    """Raise."""
    raise ValueError("no such page")


def test_keywords_are_djangos(plain):
    """A receiver gets the request of its protocol; the keyword of the other one is None."""
    calls: list[Any] = []

    def started(sender, **kwargs):
        request, other = kwargs.pop(plain.request), kwargs.pop(plain.other)
        calls.append((sender, request[plain.path], other, kwargs))

    def finished(sender, **kwargs):
        calls.append((sender, kwargs))

    request_started.connect(started)
    request_finished.connect(finished)
    with plain.serve(hello) as place:
        get(place, "/there")
    middleware = plain.integration.SignalMiddleware
    assert calls == [(middleware, "/there", None, {}), (middleware, {})]


def test_the_sender_is_the_class_of_the_middleware(plain):
    """A derived class sends under its own name, as Django's handlers do."""
    base = plain.integration.SignalMiddleware
    derived = type("Derived", (base,), {})
    calls: list[type] = []
    request_started.connect(lambda sender, **kwargs: calls.append(sender), sender=derived)
    for middleware in (base, derived):
        with plain.serve(hello, middleware) as place:
            get(place)
    assert calls == [derived]


def test_async_receivers_return_before_the_application_is_called(log, plain):
    """The middleware awaits them, or runs them to completion."""

    async def started(sender, **kwargs):
        log.append("awaited")

    def respond(path):
        log.append("called")
        return ["hello"]

    request_started.connect(started)
    with plain.serve(respond) as place:
        get(place)
    assert log == ["started", "awaited", "called", "finished"]


def test_receivers_see_the_exception(plain):
    """The exception is being handled when receivers run, and the request has Django's attributes."""
    calls: list[Any] = []

    def failed(sender, request, **kwargs):
        error = sys.exception()
        calls.append((sender, repr(error), request.exception is error, repr(request)))

    got_request_exception.connect(failed)
    with plain.serve(failing) as place:
        get(place, "/verloren/%C3%BC")
    assert calls == [
        (None, "ValueError('no such page')", True, "<Request: GET '/verloren/ü'>"),
    ]


def test_an_error_of_a_receiver_prevents_the_request(log, plain):
    """The application is not called, and no request is finished, as in Django."""

    def refuse(sender, **kwargs):
        raise PermissionError("not today")

    request_started.connect(refuse, priority=1)
    with plain.serve(hello) as place:
        assert get(place).status_code == 500
    assert log == []


def test_an_error_of_a_receiver_at_the_end_changes_no_response(log, plain):
    """If a last receiver fails, the client has its response; the server handles the exception."""
    request_finished.connect(lambda sender, **kwargs: 1 / 0)
    with plain.serve(hello) as place:
        assert get(place).text == "hello"
    assert log == ["started", "finished"]


def test_an_error_of_a_receiver_of_exceptions_does_not_prevent_the_end(log, plain):
    """The request is finished, whatever receivers of the exception do."""
    got_request_exception.connect(lambda sender, **kwargs: 1 / 0)
    with plain.serve(failing) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_an_exception_during_the_response(log, plain):
    """An exception is reported, although the response has begun."""

    def respond(path):
        yield from parts(log)
        raise ValueError("no other half")

    # A server that sends chunks lets the client see that the response is not complete.
    with plain.serve(respond) as place, suppress(httpx.RemoteProtocolError):
        assert get(place).text == "abc"
    assert log == ["started", "a", "b", "c", "failed", "finished"]


def test_an_exception_is_reported_once(log, plain):
    """An exception that a framework reports and raises again is reported once."""
    with plain.serve(failing, reports=True) as place:
        get(place)
    assert log == ["started", "failed", "finished"]


def test_context_variables_of_receivers(plain):
    """The application and the last receivers see a receiver's variables; the next ASGI request does not."""
    number: ContextVar[str] = ContextVar("number", default="")
    calls: list[str] = []

    def started(sender, **kwargs):
        # A WSGI server may serve several requests in one thread, and so in one context.
        before = number.get() if plain.is_asgi else ""
        number.set(before + kwargs[plain.request][plain.path])

    request_started.connect(started)
    request_finished.connect(lambda sender, **kwargs: calls.append(number.get()))
    with (
        plain.serve(lambda path: [number.get()]) as place,
        httpx.Client(base_url=f"http://{place}", trust_env=False) as client,
    ):
        for path in ("/1", "/2", "/3"):
            assert client.get(path).text == path
    assert sorted(calls) == ["/1", "/2", "/3"]


def test_without_receivers(plain):
    """Without receivers requests are served, and exceptions raised, as without the middleware."""
    with plain.serve(hello) as place:
        assert get(place).text == "hello"
    with plain.serve(failing) as place:
        assert get(place).status_code == 500
