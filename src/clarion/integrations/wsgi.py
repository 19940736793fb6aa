"""Send Django's request signals around a WSGI application.

    app.wsgi_app = SignalMiddleware(app.wsgi_app)       # Flask
    application = SignalMiddleware(application)         # any

`request_started` is sent before the application is called, `request_finished` when the
server closes the response, and `got_request_exception` between them if the application raises.
Async receivers are run to completion. The module needs no extra, because WSGI is a protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.commit.boundary import request_boundaries
from clarion.signals import (
    Environ,
    Request,
    got_request_exception,
    request_finished,
    request_started,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication

__all__ = [
    "SignalMiddleware",
    "got_request_exception",
    "report",
    "request_finished",
    "request_started",
]

# The boundaries of the request, which it shares with an application mounted in this one.
_BOUNDARIES = "clarion.boundaries"

_END: Any = object()

# The last exception that was reported for a request, which is not reported twice.
_REPORTED = "clarion.reported"


class SignalMiddleware:
    """A WSGI application that sends Django's request signals around another one.

    The sender is the class of the middleware, as the sender in Django is the class of the handler.

    Args:
        app: the application. Its exceptions are reported, and raised again.

    If a receiver of `request_started` raises, the application is not called, and
    `request_finished` is not sent, as in Django 6.1.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request to the application."""
        sender = type(self)
        if request_started.has_listeners(sender):
            request_started.send(sender=sender, environ=environ, scope=None)
        token = request_boundaries.set(environ.setdefault(_BOUNDARIES, []))
        try:
            body = self.app(environ, start_response)
        except BaseException as error:
            _fail(error, environ, sender)
            raise
        finally:
            request_boundaries.reset(token)
        if _runs_no_code(body, environ) and not (
            request_finished.has_listeners(sender) or got_request_exception.has_listeners(None)
        ):
            return body
        return (_SizedBody if hasattr(body, "__len__") else _Body)(body, environ, sender)


def _runs_no_code(body: object, environ: Environ) -> bool:
    """Return whether a body is complete, or a file that the server may send by itself."""
    kind = type(body)
    return kind is list or kind is tuple or kind is environ.get("wsgi.file_wrapper")


class _Body:
    """The body of a response, which ends the request when it is closed."""

    def __init__(self, body: Iterable[bytes], environ: Environ, sender: type) -> None:
        self._body = body
        self._environ = environ
        self._sender = sender
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            chunks: Iterator[bytes] = self._in_request(iter, self._body)
            while (chunk := self._in_request(next, chunks, _END)) is not _END:
                yield chunk
        except Exception as error:
            report(error, self._environ)
            raise

    def _in_request(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call code of the body, which finds the boundaries that the request has entered."""
        # The server may have another request between two parts, or iterate in another thread.
        token = request_boundaries.set(self._environ.get(_BOUNDARIES))
        try:
            return function(*arguments)
        finally:
            request_boundaries.reset(token)

    def close(self) -> None:
        """Close the application's body, and end the request."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            close: Callable[[], object] | None = getattr(self._body, "close", None)
            if close is not None:
                self._in_request(close)
        except BaseException as error:
            _fail(error, self._environ, self._sender)
            raise
        _finish(self._environ, self._sender)


class _SizedBody(_Body):
    """A body with a number of parts: a server knows the length of a single part."""

    def __len__(self) -> int:
        sized: Any = self._body
        return len(sized)


def report(exception: Exception, environ: Environ) -> None:
    """Send `got_request_exception`, for a framework that handles exceptions itself.

    Call it while the exception is handled. The middleware does not report the exception again.

    Args:
        exception: the exception.
        environ: the request, as the application received it.
    """
    if got_request_exception.has_listeners(None) and environ.get(_REPORTED) is not exception:
        environ[_REPORTED] = exception
        got_request_exception.send(sender=None, request=Request(exception, environ=environ))


def _fail(error: BaseException, environ: Environ, sender: type) -> None:
    """Report an exception that ends a request, and end the request."""
    try:
        if isinstance(error, Exception):
            report(error, environ)
    finally:
        _finish(environ, sender)


def _finish(environ: Environ, sender: type) -> None:
    environ.pop(_REPORTED, None)
    if request_finished.has_listeners(sender):
        request_finished.send(sender=sender)
