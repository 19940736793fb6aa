"""The built-in signals: Django's names and keywords."""

import asyncio
import inspect
import sys
import threading
from importlib.util import find_spec
from typing import Any

import pytest

from clarion import signals
from clarion._core.declare import DeclaredSignal
from clarion.introspect import registrations
from clarion.signals import Request, got_request_exception, request_started

DECLARED = {name: each for name, each in vars(signals).items() if isinstance(each, DeclaredSignal)}

# The keywords as Django 6.1 sends them, and as its docs/ref/signals.txt lists them.
KEYWORDS = {
    "request_started": ["environ", "scope"],  # each from one of two handlers
    "request_finished": [],
    "got_request_exception": ["request"],
    "setting_changed": ["setting", "value", "enter"],
    "template_rendered": ["template", "context"],
    "pre_migrate": [
        *("app_config", "verbosity", "interactive", "using", "plan", "apps"),
        "stdout",
    ],
    "post_migrate": [
        *("app_config", "verbosity", "interactive", "using", "plan", "apps"),
        "stdout",
    ],
}

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/shop/cart",
    "root_path": "/shop",
    "query_string": b"a=1&b=%C3%BC",
    "client": ["10.0.0.1", 4711],
    "server": ("example.org", 8000),
    "headers": [
        (b"content-type", b"text/plain"),
        (b"content-length", b"3"),
        (b"accept", b"text/html"),
        (b"accept", b"text/plain"),
        (b"cookie", b"a=1"),
        (b"x_spoofed", b"yes"),
    ],
}


@pytest.mark.parametrize("name", DECLARED)
def test_keywords_are_djangos(name):
    """Each signal declares Django's keywords, and has the name of this module."""
    signal = DECLARED[name]
    _, *keywords = inspect.signature(signal.__wrapped__).parameters
    assert keywords == KEYWORDS[name]
    assert signal.name == f"clarion.signals.{name}"


def test_all_are_there():
    """The module has every signal of the table above."""
    assert sorted(DECLARED) == sorted(KEYWORDS)


@pytest.mark.parametrize("name", DECLARED)
def test_receivers_written_for_django_are_accepted(name):
    """A receiver with some keywords and **kwargs can be connected."""
    code = f"lambda sender, {''.join(f'{each}, ' for each in KEYWORDS[name])}**kwargs: None"
    for receiver in (eval(code), lambda **kwargs: None):  # noqa: S307 - written above
        DECLARED[name].connect(receiver)
        assert registrations(DECLARED[name])[-1].live() is receiver


def test_a_request_of_wsgi():
    """A request under WSGI has the environ as META, and the full path."""
    environ = {"REQUEST_METHOD": "PUT", "SCRIPT_NAME": "/shop", "PATH_INFO": "/\xc3\xbc"}
    request = Request(ValueError(), environ=environ)
    assert request.META is environ
    assert (request.method, request.path) == ("PUT", "/shop/ü")
    assert request.scope is None


@pytest.mark.skipif(find_spec("django") is None, reason="Django is not installed")
def test_a_request_of_asgi():
    """A request under ASGI has the META, method and path of Django's own request."""
    from io import BytesIO

    from django.core.handlers.asgi import ASGIRequest

    for scope in (SCOPE, {**SCOPE, "root_path": "", "client": None, "server": None}):
        theirs, ours = ASGIRequest(scope, BytesIO()), Request(ValueError(), scope=scope)
        assert {**ours.META, "wsgi.multithread": True, "wsgi.multiprocess": True} == theirs.META
        assert (ours.method, ours.path) == (theirs.method, theirs.path)


def test_repeated_headers_are_joined():
    """Repeated cookies are joined as in RFC 9113, other headers as in RFC 9110."""
    headers = [(b"cookie", b"a=1"), (b"accept", b"a"), (b"cookie", b"b=2"), (b"accept", b"b")]
    meta = Request(ValueError(), scope={**SCOPE, "headers": headers}).META
    assert (meta["HTTP_COOKIE"], meta["HTTP_ACCEPT"]) == ("a=1; b=2", "a,b")


def test_an_exception_is_handled_in_threads_too():
    """A receiver in a thread finds the sender's exception, with its traceback."""
    heard: list[Any] = []

    def receive(sender, request, **kwargs):
        heard.append((sys.exception(), sys.exc_info()[2], threading.current_thread()))

    async def fail():
        try:
            SCOPE["lost"]
        except KeyError as error:
            traceback = error.__traceback__
            await got_request_exception.asend(sender=None, request=Request(error, environ={}))
            return error, traceback, error.__traceback__

    got_request_exception.connect(receive)
    error, before, after = asyncio.run(fail())
    [(found, traceback, thread)] = heard
    assert found is error
    assert traceback is before is after
    assert thread is not threading.main_thread()


def test_outside_an_except_block_is_no_exception():
    """A send outside an except block has no exception in its receivers."""
    heard = []
    got_request_exception.connect(lambda sender, **kwargs: heard.append(sys.exception()))
    request = Request(ValueError(), environ={})
    asyncio.run(got_request_exception.asend(sender=None, request=request))
    got_request_exception.send(sender=None, request=request)
    assert heard == [None, None]


def test_a_missing_keyword_is_none():
    """A keyword that a protocol does not have is None."""
    heard: list[Any] = []
    request_started.connect(lambda sender, environ, scope: heard.append((environ, scope)))
    request_started.send(sender=object, environ={}, scope=None)
    request_started.send(sender=object, environ=None, scope={})
    assert heard == [({}, None), (None, {})]
