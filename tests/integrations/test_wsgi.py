"""The WSGI door: a WSGI application has Django's request signals."""

import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import httpx
import pytest
from flask import Flask
from flask import got_request_exception as flask_got_request_exception
from flask import request as flask_request

from clarion.integrations.wsgi import (
    SignalMiddleware,
    got_request_exception,
    report,
    request_finished,
    request_started,
)
from tests.integrations.servers import (
    Waitress,
    get,
    reference_server,
    serving_wsgi,
    talking,
    wait_until,
)

SIGNALS: dict[str, Any] = {
    "started": request_started,
    "failed": got_request_exception,
    "finished": request_finished,
}
TEXT = [("Content-Type", "text/plain")]


@pytest.fixture
def log():
    """Return a list of what happens, to which the three signals are written."""
    events: list[str] = []
    for name, signal in SIGNALS.items():
        signal.connect(lambda sender, name=name, **kwargs: events.append(name))
    return events


@pytest.fixture(params=[reference_server, Waitress], ids=["wsgiref", "waitress"])
def serve(request):
    """Serve an application with each of two threaded servers."""
    return lambda app: serving_wsgi(app, request.param)


def hello(environ, start_response):
    """Answer."""
    start_response("200 OK", [*TEXT])
    return [b"hello"]


def failing(environ, start_response):
    """Raise."""
    raise ValueError("no such page")


def start_nothing(status, headers, exc_info=None):
    """Take the place of a server's start_response, where no server is needed."""
    return [].append


class Body:
    """A body that notes how it is treated."""

    def __init__(self, log, parts):
        self.log = log
        self.parts = parts

    def __iter__(self):
        for part in self.parts:
            self.log.append(part.decode())
            yield part

    def close(self):
        self.log.append("closed")


def test_a_request_is_told_of(log, serve):
    """It starts before the application is called and finishes after the last byte."""

    def app(environ, start_response):
        log.append("called")
        return hello(environ, start_response)

    with serve(SignalMiddleware(app)) as place:
        assert get(place).text == "hello"
    assert log == ["started", "called", "finished"]


def test_keywords_are_djangos(serve):
    """A receiver of Django's WSGI handler hears the environ; one for ASGI is told None."""
    heard: list[Any] = []

    def started(sender, environ, **kwargs):
        heard.append((sender, environ["PATH_INFO"], kwargs))

    def written_for_asgi(sender, scope, **kwargs):
        heard.append((sender, scope))

    def finished(sender, **kwargs):
        heard.append((sender, kwargs))

    request_started.connect(started)
    request_started.connect(written_for_asgi)
    request_finished.connect(finished)
    with serve(SignalMiddleware(hello)) as place:
        get(place, "/there")
    assert heard == [
        (SignalMiddleware, "/there", {"scope": None}),
        (SignalMiddleware, None),
        (SignalMiddleware, {}),
    ]


def test_the_sender_is_the_class_of_the_middleware(serve):
    """As Django's handlers do, a derived one sends by its own name."""

    class Public(SignalMiddleware):
        pass

    heard: list[Any] = []
    request_started.connect(lambda sender, **kwargs: heard.append("public"), sender=Public)
    for middleware in (SignalMiddleware, Public):
        with serve(middleware(hello)) as place:
            get(place)
    assert heard == ["public"]


def test_async_receivers_are_run_to_completion(log, serve):
    """They are done before the application is called."""

    async def started(sender, **kwargs):
        log.append("awaited")

    request_started.connect(started)
    with serve(SignalMiddleware(hello)) as place:
        get(place)
    assert log == ["started", "awaited", "finished"]


def test_an_exception_is_told_of(log, serve):
    """The server answers 500, and the request is finished, too."""
    with serve(SignalMiddleware(failing)) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_receivers_know_the_exception(serve):
    """It is being handled, and the request has Django's attributes."""
    heard: list[Any] = []

    def hear(sender, request, **kwargs):
        error = sys.exception()
        heard.append((sender, repr(error), request.exception is error, repr(request)))
        heard.append(request.META is request.environ)

    got_request_exception.connect(hear)
    with serve(SignalMiddleware(failing)) as place:
        get(place, "/verloren/%C3%BC")
    assert heard == [
        (None, "ValueError('no such page')", True, "<Request: GET '/verloren/ü'>"),
        True,
    ]


def test_an_exception_amid_the_body_is_told_of(log, serve):
    """The body is closed, and the request finished after that."""

    def broken():
        yield b"half"
        raise ValueError("no other half")

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        return Body(log, broken())

    # A server that chunks tells the client that this is not all.
    with serve(SignalMiddleware(app)) as place, suppress(httpx.RemoteProtocolError):
        assert get(place).text == "half"
    assert log == ["started", "half", "failed", "closed", "finished"]


def test_an_exception_of_close_is_told_of(log):
    """What tidies up belongs to the request, and is finished even if it fails."""

    class Untidy(Body):
        def close(self):
            super().close()
            raise ValueError("dirt")

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        return Untidy(log, [b"all"])

    with serving_wsgi(SignalMiddleware(app)) as place:
        get(place)
    assert log == ["started", "all", "closed", "failed", "finished"]


def test_a_receiver_that_raises_keeps_a_request_from_starting(log, serve):
    """As in Django, the application is not called, and nothing is finished."""

    def refuse(sender, **kwargs):
        raise PermissionError("not today")

    request_started.connect(refuse, priority=1)
    with serve(SignalMiddleware(hello)) as place:
        assert get(place).status_code == 500
    assert log == []


def test_a_receiver_that_raises_at_the_end_harms_no_response(log):
    """The client has its response; the server gets the exception from close()."""
    request_finished.connect(lambda sender, **kwargs: 1 / 0)
    with serving_wsgi(SignalMiddleware(hello)) as place:
        assert get(place).text == "hello"
    assert log == ["started", "finished"]


def test_a_receiver_that_raises_over_an_exception_does_not_hide_the_end(log, serve):
    """The request is finished, whatever receivers of the exception do."""
    got_request_exception.connect(lambda sender, **kwargs: 1 / 0)
    with serve(SignalMiddleware(failing)) as place:
        assert get(place).status_code == 500
    assert log == ["started", "failed", "finished"]


def test_a_stream_is_finished_after_its_last_part(log, serve):
    """Its body is closed once, and before that."""

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        return Body(log, [b"a", b"b", b"c"])

    with serve(SignalMiddleware(app)) as place:
        assert get(place).text == "abc"
    assert log == ["started", "a", "b", "c", "closed", "finished"]


def test_a_client_that_goes_amid_a_stream_ends_the_request(log, serve):
    """The generator is closed once, the request finished, and nothing counts as an exception."""

    def parts():
        try:
            while True:
                yield b"more " * 10_000
        finally:
            log.append("closed")

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        return parts()

    with serve(SignalMiddleware(app)) as place:
        with talking(place) as talk:
            assert talk.recv(100)
        wait_until(lambda: "finished" in log)
    assert log == ["started", "closed", "finished"]


class Once(Body):
    """A body that is its own iterator, and minds being closed twice."""

    def __iter__(self):
        return self

    def __next__(self):
        return b"more " * 10_000

    def close(self):
        assert "closed" not in self.log
        super().close()


def test_a_body_that_is_left_is_closed_once(log, serve):
    """Only the server closes it, by way of the middleware."""

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        return Once(log, [])

    with serve(SignalMiddleware(app)) as place:
        with talking(place) as talk:
            assert talk.recv(100)
        wait_until(lambda: "finished" in log)
    assert log == ["started", "closed", "finished"]


def test_closing_twice_finishes_once(log):
    """A server, or another middleware, that closes again does no harm."""
    body: Any = SignalMiddleware(hello)({}, start_nothing)
    assert [*body] == [b"hello"]
    body.close()
    body.close()
    assert log == ["started", "finished"]


def test_write_works(log, serve):
    """What an application writes by hand is sent before its body, and within the request."""

    def app(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        write(b"by hand, ")
        log.append("written")
        return [b"and returned"]

    with serve(SignalMiddleware(app)) as place:
        assert get(place).text == "by hand, and returned"
    assert log == ["started", "written", "finished"]


def test_an_exception_that_the_application_answers_is_not_told_of(log, serve):
    """It gives `exc_info` to start_response, which takes it as long as nothing is sent."""

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        try:
            failing(environ, start_response)
        except ValueError:
            start_response("503 Busy", [*TEXT], sys.exc_info())
        return [b"busy"]

    with serve(SignalMiddleware(app)) as place:
        assert get(place).status_code == 503
    assert log == ["started", "finished"]


def test_an_exception_that_comes_too_late_to_be_answered_is_told_of(log, serve):
    """start_response raises it again, as PEP 3333 says, once something is sent."""

    def app(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        write(b"sent")
        try:
            failing(environ, start_response)
        except ValueError:
            start_response("503 Busy", [*TEXT], sys.exc_info())
        return [b"busy"]

    with serve(SignalMiddleware(app)) as place, suppress(httpx.RemoteProtocolError):
        get(place)
    assert log == ["started", "failed", "finished"]


def test_a_generator_application_is_watched(log, serve):
    """It runs when the server asks for the first part, and so does what it raises."""

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        log.append("running")
        if environ["PATH_INFO"] == "/broken":
            raise ValueError("broken")
        yield b"hello"

    with serve(SignalMiddleware(app)) as place:
        assert get(place).text == "hello"
        assert get(place, "/broken").status_code == 500
    assert log == [
        *("started", "running", "finished"),
        *("started", "running", "failed", "finished"),
    ]


def test_connections_are_kept_alive(log):
    """Requests of one connection are told of one by one, with or without somebody listening."""
    with (
        serving_wsgi(SignalMiddleware(hello), Waitress) as place,
        httpx.Client(base_url=f"http://{place}", trust_env=False) as client,
    ):
        ports = set()
        for _ in range(3):
            with client.stream("GET", "/") as response:
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
                assert response.read() == b"hello"
    assert len(ports) == 1
    assert log == ["started", "finished"] * 3


def test_a_body_of_one_part_keeps_its_length(log):
    """A server that asks how many parts there are gets the body's answer."""
    with serving_wsgi(SignalMiddleware(hello)) as place:
        assert get(place).headers["Content-Length"] == "5"


def test_requests_in_threads_are_apart():
    """What receivers set in context variables holds for the request, until its end."""
    path: ContextVar[str] = ContextVar("path")
    seen: list[str] = []
    both = threading.Barrier(2, timeout=20)
    request_started.connect(lambda sender, environ, **kwargs: path.set(environ["PATH_INFO"]))
    request_finished.connect(lambda sender, **kwargs: seen.append(path.get()))

    def app(environ, start_response):
        both.wait()
        start_response("200 OK", [*TEXT])
        return [path.get().encode()]

    texts = []
    with serving_wsgi(SignalMiddleware(app)) as place:
        clients = [
            threading.Thread(target=lambda name=name: texts.append(get(place, name).text))
            for name in ("/1", "/2")
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert sorted(texts) == sorted(seen) == ["/1", "/2"]


def test_flask(log, tmp_path, serve):
    """A Flask application, which answers exceptions itself, reports them by its own signal."""
    app = Flask("flask_pages", root_path=str(tmp_path))

    @app.get("/<name>")
    def page(name):
        log.append(name)
        if name == "broken":
            raise ValueError(name)
        return name

    def tell(app, exception):
        report(exception, flask_request.environ)

    app.wsgi_app = SignalMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    app.logger.disabled = True
    with flask_got_request_exception.connected_to(tell, app), serve(app) as place:
        codes = [get(place, f"/{name}").status_code for name in ("there", "broken", "not/there")]
    assert codes == [200, 500, 404]
    assert log == [
        *("started", "there", "finished"),
        *("started", "broken", "failed", "finished"),
        *("started", "finished"),
    ]


def test_what_was_reported_is_not_reported_again(log, serve):
    """A framework may report an exception and raise it on."""

    def app(environ, start_response):
        try:
            failing(environ, start_response)
        except ValueError as error:
            report(error, environ)
            log.append("raised on")
            raise

    with serve(SignalMiddleware(app)) as place:
        get(place)
    assert log == ["started", "failed", "raised on", "finished"]


def test_nobody_needs_to_listen():
    """Without receivers, the server gets the very body that the application returns."""
    bodies = []

    def app(environ, start_response):
        bodies.append(hello(environ, start_response))
        return bodies[0]

    assert SignalMiddleware(app)({}, start_nothing) is bodies[0]


def test_what_is_no_exception_is_not_told_of(log):
    """A program that is told to exit finishes its request, and exits."""

    def app(environ, start_response):
        raise SystemExit

    with pytest.raises(SystemExit):
        SignalMiddleware(app)({}, start_nothing)
    assert log == ["started", "finished"]
