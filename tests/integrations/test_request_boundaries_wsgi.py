"""Sessions that a WSGI request binds: its body finds them until the server closes it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import flask
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from clarion import Signal, on_commit
from clarion.commit import active_boundaries
from clarion.commit.boundary import request_boundaries
from clarion.integrations.sqlalchemy import bound
from clarion.integrations.wsgi import SignalMiddleware
from tests.integrations.servers import Waitress, get, reference_server, serving_wsgi

placed = Signal(name="shop.placed")


@pytest.fixture
def mails():
    """Return the orders that were mailed."""
    found = []

    def mail(order, **kwargs):
        found.append(order)

    placed.connect(mail, delivery=on_commit)
    yield found
    placed.disconnect(mail)


def in_thread(function, *arguments):
    """Call a function in another thread, whose context is empty, and return its result."""
    results = []
    thread = Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    thread.join()
    return results[0]


def shop(path):
    """Return an application that streams, and the orders for which a send saw one session."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    app = flask.Flask("shop", root_path=".")
    seen = {}

    @app.get("/<int:order>/<end>")
    def place(order, end):
        session = Session(engine)
        binding = bound(session)
        binding.__enter__()
        session.execute(text("SELECT 1"))

        def parts():
            yield "begun, "
            placed.send(None, order=order)
            seen[order] = len(list(active_boundaries()))
            yield "sent, "
            getattr(session, end)()
            yield "ended"

        response = flask.Response(parts())

        @response.call_on_close
        def close():
            binding.__exit__()
            session.close()

        return response

    return SignalMiddleware(app), seen


@pytest.mark.parametrize("make", [reference_server, Waitress])
def test_a_streamed_body_finds_the_session_of_its_request(tmp_path, mails, make):
    """Sends of a body wait for its own session, and rolled back ones reach no receiver."""
    app, seen = shop(tmp_path / "shop")
    orders = range(1, 13)
    with serving_wsgi(app, make) as place, ThreadPoolExecutor(6) as pool:
        paths = [f"/{n}/{'commit' if n % 2 else 'rollback'}" for n in orders]
        for response in pool.map(lambda path: get(place, path), paths):
            assert response.text == "begun, sent, ended"
    assert sorted(mails) == list(range(1, 12, 2))
    assert seen == dict.fromkeys(orders, 1)


def test_bodies_that_one_thread_iterates_in_turn_are_not_mixed(tmp_path, mails):
    """Each part of a body finds its own request's session only, and none is left after close()."""
    app, seen = shop(tmp_path / "shop")
    bodies = [app(environ(f"/{n}/{end}"), ignore) for n, end in [(1, "commit"), (2, "rollback")]]
    for parts in zip(*bodies, strict=True):
        assert parts[0] == parts[1]
        assert request_boundaries.get() is None
    for body in bodies:
        close(body)
    assert seen == {1: 1, 2: 1}
    assert mails == [1]
    assert list(active_boundaries()) == []


def test_another_thread_may_iterate_and_close_a_body(mails):
    """A server that sends the parts in another thread finds the same session."""
    ended = []

    def app(environ, start_response):
        session = Session(create_engine("sqlite://"))
        binding = bound(session)
        binding.__enter__()
        session.begin()

        class Body:
            def __iter__(self):
                placed.send(None, order=7)
                yield str(len(list(active_boundaries()))).encode()

            def close(self):
                ended.append(len(list(active_boundaries())))
                binding.__exit__()
                session.rollback()

        return Body()

    body = SignalMiddleware(app)(environ("/"), ignore)
    assert in_thread(list, body) == [b"1"]
    in_thread(close, body)
    assert (ended, mails) == ([1], [])
    assert list(active_boundaries()) == []


def test_a_request_does_not_see_what_one_before_has_left_open(mails):
    """A binding that a request forgets does not reach the next one of its thread."""
    session = Session(create_engine("sqlite://"))

    def forgets(environ, start_response):
        bound(session).__enter__()
        session.begin()
        return []

    def sends(environ, start_response):
        placed.send(None, order=8)
        return []

    SignalMiddleware(forgets)(environ("/"), ignore)
    assert list(active_boundaries()) == []
    SignalMiddleware(sends)(environ("/"), ignore)
    assert mails == [8]
    session.close()


def test_bodies_without_code_are_passed_on():
    """A list, a tuple and a file of the server are returned as the application returned them."""

    class File:
        """The server's own wrapper."""

    body: Any
    for body in ([b""], (b"",), File()):

        def app(environ, start_response, body=body):
            return body

        request = environ("/") | {"wsgi.file_wrapper": File}
        assert SignalMiddleware(app)(request, ignore) is body


def close(body: Any) -> None:
    """Close a body, as a server does."""
    body.close()


def environ(path):
    """Return a request."""
    from wsgiref.util import setup_testing_defaults

    request = {"PATH_INFO": path}
    setup_testing_defaults(request)
    return request


def ignore(*response):
    """Start a response that is sent nowhere."""
