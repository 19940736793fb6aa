"""The WSGI middleware: bodies, start_response, and threads."""

import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import httpx
import pytest

from clarion.integrations.wsgi import SignalMiddleware, request_finished, request_started
from tests.integrations.frameworks import TEXT
from tests.integrations.servers import (
    Waitress,
    get,
    reference_server,
    serving_wsgi,
    talking,
    wait_until,
)


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
    """Replace a server's start_response in a test without a server."""
    return [].append


class Body:
    """A body that logs its parts and its end."""

    def __init__(self, log, parts):
        self.log = log
        self.parts = parts

    def __iter__(self):
        for part in self.parts:
            self.log.append(part.decode())
            yield part

    def close(self):
        self.log.append("closed")


class Endless(Body):
    """A body that is its own iterator, and that may be closed once."""

    def __iter__(self):
        return self

    def __next__(self):
        return b"more " * 10_000

    def close(self):
        assert "closed" not in self.log
        super().close()


def returning(body):
    """Make an application that returns a body."""

    def app(environ, start_response):
        start_response("200 OK", [*TEXT])
        return body

    return SignalMiddleware(app)


def test_the_body_is_closed_before_the_end(log, serve):
    """The body is closed once, after its last part and before the request is finished."""
    with serve(returning(Body(log, [b"a", b"b", b"c"]))) as place:
        assert get(place).text == "abc"
    assert log == ["started", "a", "b", "c", "closed", "finished"]


def test_an_exception_of_the_body_is_reported(log, serve):
    """After an exception the body is closed, and then the request is finished."""

    def broken():
        yield b"half"
        raise ValueError("no other half")

    # A server that sends chunks lets the client see that the response is not complete.
    with serve(returning(Body(log, broken()))) as place, suppress(httpx.RemoteProtocolError):
        assert get(place).text == "half"
    assert log == ["started", "half", "failed", "closed", "finished"]


def test_an_exception_of_close_is_reported(log):
    """An exception of close() is reported, and the request is finished."""

    class Untidy(Body):
        def close(self):
            super().close()
            raise ValueError("dirt")

    with serving_wsgi(returning(Untidy(log, [b"all"]))) as place:
        get(place)
    assert log == ["started", "all", "closed", "failed", "finished"]


def test_a_client_that_disconnects_ends_the_request(log, serve):
    """If a client disconnects, the server closes the body once, and no exception is reported."""
    with serve(returning(Endless(log, []))) as place:
        with talking(place) as connection:
            assert connection.recv(100)
        wait_until(lambda: "finished" in log)
    assert log == ["started", "closed", "finished"]


def test_a_client_that_disconnects_ends_a_generator(log, serve):
    """If a client disconnects, a generator is closed once."""

    def parts():
        try:
            while True:
                yield b"more " * 10_000
        finally:
            log.append("closed")

    with serve(returning(parts())) as place:
        with talking(place) as connection:
            assert connection.recv(100)
        wait_until(lambda: "finished" in log)
    assert log == ["started", "closed", "finished"]


def test_closing_twice_finishes_once(log):
    """A body that a server or another middleware closes twice finishes its request once."""
    body: Any = SignalMiddleware(hello)({}, start_nothing)
    assert [*body] == [b"hello"]
    body.close()
    body.close()
    assert log == ["started", "finished"]


def test_write_works(log, serve):
    """Bytes that the application writes itself are sent before its body."""

    def app(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        write(b"by hand, ")
        log.append("written")
        return [b"and returned"]

    with serve(SignalMiddleware(app)) as place:
        assert get(place).text == "by hand, and returned"
    assert log == ["started", "written", "finished"]


def test_a_handled_exception_is_not_reported(log, serve):
    """An `exc_info` that the application passes before anything is sent is not reported."""

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


def test_an_exception_that_comes_too_late_is_reported(log, serve):
    """An `exc_info` that start_response raises again, because bytes are sent, is reported."""

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


def test_a_generator_application(log, serve):
    """A generator application runs, and may raise, when the server asks for the first part."""

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
    """Each request of one connection sends its signals."""
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
    """A server that asks for the number of parts gets that of the body."""
    with serving_wsgi(SignalMiddleware(hello)) as place:
        assert get(place).headers["Content-Length"] == "5"


def test_requests_in_threads_are_separate():
    """Context variables that receivers set apply to one request, until its end."""
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


def test_without_receivers_the_body_is_the_applications():
    """The server gets the same object that the application returned."""
    bodies = []

    def app(environ, start_response):
        bodies.append(hello(environ, start_response))
        return bodies[0]

    assert SignalMiddleware(app)({}, start_nothing) is bodies[0]


def test_system_exit_is_not_reported(log):
    """A program that exits finishes its request."""

    def app(environ, start_response):
        raise SystemExit

    with pytest.raises(SystemExit):
        SignalMiddleware(app)({}, start_nothing)
    assert log == ["started", "finished"]
