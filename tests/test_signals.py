"""The signals that come with Clarion: Django's names and keywords."""

import asyncio
import inspect
import sys
import threading
from importlib.util import find_spec
from typing import Any

import pytest

from clarion import signals
from clarion._core.declare import DeclaredSignal
from clarion.signals import Request, got_request_exception, request_started

DECLARED = {name: each for name, each in vars(signals).items() if isinstance(each, DeclaredSignal)}

# As Django 6.1 sends them; its docs/ref/signals.txt lists them so, too.
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
    """Each signal declares the keywords that Django sends, and is named by this module."""
    signal = DECLARED[name]
    _, *keywords = inspect.signature(signal.__wrapped__).parameters
    assert keywords == KEYWORDS[name]
    assert signal.name == f"clarion.signals.{name}"


def test_all_are_there():
    """The module has every signal of the table above."""
    assert sorted(DECLARED) == sorted(KEYWORDS)


@pytest.mark.parametrize("name", DECLARED)
def test_receivers_written_for_django_are_taken(name):
    """A receiver that takes what it needs, and any other keyword, can be connected."""
    code = f"lambda sender, {''.join(f'{each}, ' for each in KEYWORDS[name])}**kwargs: None"
    for receiver in (eval(code), lambda **kwargs: None):  # noqa: S307 - written above
        DECLARED[name].connect(receiver)


def test_an_environ_is_told_as_it_is():
    """A request under WSGI has the environ as META, and its path in full."""
    environ = {"REQUEST_METHOD": "PUT", "SCRIPT_NAME": "/shop", "PATH_INFO": "/\xc3\xbc"}
    request = Request(ValueError(), environ=environ)
    assert request.META is environ
    assert (request.method, request.path) == ("PUT", "/shop/ü")
    assert request.scope is None


@pytest.mark.skipif(find_spec("django") is None, reason="Django is not installed")
def test_a_scope_is_told_as_django_tells_it():
    """META, method and path are those of Django's own request for the same scope."""
    from io import BytesIO

    from django.core.handlers.asgi import ASGIRequest

    for scope in (SCOPE, {**SCOPE, "root_path": "", "client": None, "server": None}):
        theirs, ours = ASGIRequest(scope, BytesIO()), Request(ValueError(), scope=scope)
        assert {**ours.META, "wsgi.multithread": True, "wsgi.multiprocess": True} == theirs.META
        assert (ours.method, ours.path) == (theirs.method, theirs.path)


def test_headers_that_come_twice_are_joined():
    """Cookies as RFC 9113 says, others as RFC 9110 does."""
    headers = [(b"cookie", b"a=1"), (b"accept", b"a"), (b"cookie", b"b=2"), (b"accept", b"b")]
    meta = Request(ValueError(), scope={**SCOPE, "headers": headers}).META
    assert (meta["HTTP_COOKIE"], meta["HTTP_ACCEPT"]) == ("a=1; b=2", "a,b")


def test_an_exception_is_handled_in_threads_too():
    """What a thread asks for is the sender's exception, with its traceback as it was."""
    heard: list[Any] = []

    def hear(sender, request, **kwargs):
        heard.append((sys.exception(), sys.exc_info()[2], threading.current_thread()))

    async def fail():
        try:
            SCOPE["lost"]
        except KeyError as error:
            traceback = error.__traceback__
            await got_request_exception.asend(sender=None, request=Request(error, environ={}))
            return error, traceback, error.__traceback__

    got_request_exception.connect(hear)
    error, before, after = asyncio.run(fail())
    [(told, traceback, thread)] = heard
    assert told is error
    assert traceback is before is after
    assert thread is not threading.main_thread()


def test_where_nothing_is_handled_nothing_is_known():
    """A send outside an except block finds no exception in its receivers."""
    heard = []
    got_request_exception.connect(lambda sender, **kwargs: heard.append(sys.exception()))
    request = Request(ValueError(), environ={})
    asyncio.run(got_request_exception.asend(sender=None, request=request))
    got_request_exception.send(sender=None, request=request)
    assert heard == [None, None]


def test_what_is_not_told_is_none():
    """A keyword that one protocol does not have is there, and None."""
    heard: list[Any] = []
    request_started.connect(lambda sender, environ, scope: heard.append((environ, scope)))
    request_started.send(sender=object, environ={}, scope=None)
    request_started.send(sender=object, environ=None, scope={})
    assert heard == [({}, None), (None, {})]
