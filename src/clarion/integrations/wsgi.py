"""The WSGI door: a WSGI application has Django's request signals.

    app.wsgi_app = SignalMiddleware(app.wsgi_app)       # Flask
    application = SignalMiddleware(application)         # any

`request_started` is sent before the application is called, `request_finished` when the
server closes the response, `got_request_exception` in between if the application raises.
Async receivers are run to completion. Nothing but a protocol is needed, so there is no
extra to install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.signals import (
    Environ,
    Request,
    got_request_exception,
    request_finished,
    request_started,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any
    from wsgiref.types import StartResponse, WSGIApplication

__all__ = [
    "SignalMiddleware",
    "got_request_exception",
    "report",
    "request_finished",
    "request_started",
]

# What was reported of a request last, so that it is not reported twice.
_REPORTED = "clarion.reported"


class SignalMiddleware:
    """A WSGI application that sends Django's request signals around another.

    The signals' sender is this class, or one derived from it, as Django's handlers are.

    Args:
        app: the application. What it raises is reported, and raised on.

    An exception of a receiver of `request_started` keeps the application from being
    called, and `request_finished` from being sent, as in Django 6.1.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on to the application."""
        sender = type(self)
        if request_started.has_listeners(sender):
            request_started.send(sender=sender, environ=environ, scope=None)
        try:
            body = self.app(environ, start_response)
        except BaseException as error:
            _fail(error, environ, sender)
            raise
        if not (
            request_finished.has_listeners(sender) or got_request_exception.has_listeners(None)
        ):
            return body
        return (_SizedBody if hasattr(body, "__len__") else _Body)(body, environ, sender)


class _Body:
    """A response's body, which knows when it is over."""

    def __init__(self, body: Iterable[bytes], environ: Environ, sender: type) -> None:
        self._body = body
        self._environ = environ
        self._sender = sender
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            # Not `yield from`, which would close the body, and the server does so again.
            for chunk in self._body:  # noqa: UP028
                yield chunk
        except Exception as error:
            report(error, self._environ)
            raise

    def close(self) -> None:
        """Close the application's body, and say that the request is over."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            close: Callable[[], object] | None = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            _fail(error, self._environ, self._sender)
            raise
        _finish(self._environ, self._sender)


class _SizedBody(_Body):
    """A body of so many parts: of one that has a single part, servers know the length."""

    def __len__(self) -> int:
        sized: Any = self._body
        return len(sized)


def report(exception: Exception, environ: Environ) -> None:
    """Send `got_request_exception`, for a framework that answers exceptions itself.

    It has to be called while the exception is handled. What is raised on to the middleware
    later is not reported again.

    Args:
        exception: what was raised.
        environ: the request, as the application was given it.
    """
    if got_request_exception.has_listeners(None) and environ.get(_REPORTED) is not exception:
        environ[_REPORTED] = exception
        got_request_exception.send(sender=None, request=Request(exception, environ=environ))


def _fail(error: BaseException, environ: Environ, sender: type) -> None:
    """Report an exception that ends a request, which is over then."""
    try:
        if isinstance(error, Exception):
            report(error, environ)
    finally:
        _finish(environ, sender)


def _finish(environ: Environ, sender: type) -> None:
    environ.pop(_REPORTED, None)
    if request_finished.has_listeners(sender):
        request_finished.send(sender=sender)
