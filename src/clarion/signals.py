"""Built-in signals: those of Django, for programs without Django.

The integrations send them: `clarion.integrations.asgi` and `clarion.integrations.wsgi` those
of requests, `clarion.integrations.settings` that of settings, `clarion.integrations.jinja`
that of templates, `clarion.integrations.alembic` those of migrations. The model signals are in
`clarion.integrations.sqlalchemy`. Names, keywords and
order are those of Django 6.1, so receivers written for Django work unchanged. `sender` is
keyword-only, so that a receiver may leave it to its `**kwargs`.

They are not the signal objects of Django, which `clarion.integrations.django` dispatches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from functools import cached_property, partial
from typing import Any, ParamSpec, TypeAlias, TypeVar

from clarion._core.declare import DeclaredSignal, signal
from clarion.policy import DeclaredPolicy

__all__ = [
    "BulkWriteWarning",
    "Environ",
    "Request",
    "Scope",
    "got_request_exception",
    "post_migrate",
    "pre_migrate",
    "request_finished",
    "request_started",
    "setting_changed",
    "template_rendered",
]

P = ParamSpec("P")
R = TypeVar("R")

Environ: TypeAlias = dict[str, Any]
"""A request in WSGI, as in PEP 3333."""

Scope: TypeAlias = MutableMapping[str, Any]
"""A connection in ASGI, as in ASGI 3.0."""


class BulkWriteWarning(UserWarning):
    """A bulk write was made for which some connected receivers are not called."""


class Request:
    """A failed request, with those attributes of Django's that both protocols have.

    Attributes:
        exception: the exception of the application.
        environ: the WSGI environment; None under ASGI.
        scope: the ASGI scope; None under WSGI.
    """

    def __init__(
        self,
        exception: Exception,
        *,
        environ: Environ | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.exception = exception
        self.environ = environ
        self.scope = scope

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.path!r}>"

    @property
    def method(self) -> str:
        """The HTTP method; GET for a websocket."""
        return str(self.META["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The whole path, including the path where the application is mounted."""
        if self.scope is not None:
            return str(self.scope["path"])
        path = self.META.get("SCRIPT_NAME", "") + self.META.get("PATH_INFO", "")
        # Under PEP 3333 servers decode all bytes as Latin-1.
        return str(path.encode("latin-1").decode(errors="replace"))

    @cached_property
    def META(self) -> Environ:  # noqa: N802 - Django's name
        """The headers and other data, by their names in CGI."""
        return _meta(self.scope) if self.scope is not None else (self.environ or {})


def _meta(scope: Scope) -> Environ:
    """Convert an ASGI scope to the names of CGI, as Django 6.1 does."""
    root, path = scope.get("root_path", ""), scope["path"]
    inside = root and (path == root or path.startswith(f"{root}/"))
    host, port = scope.get("server") or ("unknown", 0)
    meta = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SCRIPT_NAME": root,
        "PATH_INFO": path.removeprefix(root) if inside else path,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
    }
    if client := scope.get("client"):
        meta |= {"REMOTE_ADDR": client[0], "REMOTE_HOST": client[0], "REMOTE_PORT": client[1]}
    for raw, value in scope.get("headers", ()):
        name = raw.decode("latin-1").upper()
        if "_" in name:
            continue  # it could be mistaken for another header
        key = name.replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        separator = "; " if key == "HTTP_COOKIE" else ","
        meta[key] = f"{meta[key]}{separator}{text}" if key in meta else text
    return meta


class _ExceptionPolicy(DeclaredPolicy):
    """Worker threads that handle the same exception as the sender."""

    __slots__ = ()

    async def run_in_thread(self, function: Callable[[], Any]) -> Any:
        """Call a function where `sys.exception()` is the sender's, as asgiref does."""
        return await super().run_in_thread(partial(_call_handling, sys.exception(), function))


class _ExceptionSignal(DeclaredSignal[P, R]):
    """A signal that is sent while an exception is handled."""

    policy_class = _ExceptionPolicy


def _call_handling(error: BaseException | None, function: Callable[[], Any]) -> Any:
    """Call a function while an exception is handled, and restore the traceback."""
    if error is None:
        return function()
    traceback = error.__traceback__
    try:
        raise error  # noqa: TRY301 - only `except` makes it the handled exception
    except BaseException:  # noqa: BLE001
        error.__traceback__ = traceback
        return function()


@signal
def request_started(*, sender: Any, environ: Environ | None, scope: Scope | None) -> None:
    """The application is about to get a request.

    Django sends `environ` under WSGI and `scope` under ASGI. Here a receiver gets both, and
    one of them is None.

    Args:
        sender: the class of the middleware.
        environ: the WSGI environment.
        scope: the ASGI scope of a request or a websocket.
    """


@signal
def request_finished(*, sender: Any) -> None:
    """A request has ended: its last byte is sent, or the client has disconnected.

    Args:
        sender: the class of the middleware.
    """


@_ExceptionSignal
def got_request_exception(*, sender: Any, request: Request) -> object:
    """An application has raised an exception in a request.

    It is sent while the exception is handled. So `sys.exception()` and `logging.exception()`
    work in receivers, also in those that run in a worker thread.

    Args:
        sender: always None.
        request: the request, with `request.exception`.
    """


@signal
def setting_changed(*, sender: Any, setting: str, value: Any, enter: bool) -> None:
    """A setting was overridden, or has its own value again.

    Args:
        sender: the class of the settings.
        setting: the name of the setting.
        value: the value now; None if it no longer exists.
        enter: True when the override begins, False when it ends.
    """


@signal
def template_rendered(*, sender: Any, template: Any, context: Any) -> None:
    """A template is about to be rendered, also as a part of another one.

    Args:
        sender: the template.
        template: the template.
        context: the context that it is rendered with.
    """


@signal
def pre_migrate(
    *,
    sender: Any,
    app_config: Any,
    verbosity: int,
    interactive: bool,
    using: str,
    plan: list[tuple[Any, bool]],
    apps: Any,
    stdout: Any,
) -> None:
    """A database is about to be migrated.

    Args:
        sender: the owner of the migrations.
        app_config: the same as `sender`.
        verbosity: how much a receiver should print: 0 nothing, 1 the usual.
        interactive: whether a receiver may ask the user.
        using: the name of the database.
        plan: the migrations in order, each with whether it is a downgrade.
        apps: gives access to the current state of the database.
        stdout: the stream that a receiver should print to.
    """


@signal
def post_migrate(
    *,
    sender: Any,
    app_config: Any,
    verbosity: int,
    interactive: bool,
    using: str,
    plan: list[tuple[Any, bool]],
    apps: Any,
    stdout: Any,
) -> None:
    """A database has been migrated.

    Args:
        sender: as for `pre_migrate`.
        app_config: as for `pre_migrate`.
        verbosity: as for `pre_migrate`.
        interactive: as for `pre_migrate`.
        using: as for `pre_migrate`.
        plan: as for `pre_migrate`; all have been applied.
        apps: as for `pre_migrate`.
        stdout: as for `pre_migrate`.
    """
