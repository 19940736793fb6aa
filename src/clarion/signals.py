"""The signals that come with Clarion: Django's built-in ones, for programs without Django.

They are sent by the doors that know of such things: requests by
`clarion.integrations.asgi` and `clarion.integrations.wsgi`, settings by
`clarion.integrations.settings`, templates by `clarion.integrations.jinja`, migrations by
`clarion.integrations.alembic`. Names, keywords and order are those of Django 6.1. A
receiver that was written for Django hears them as it is. `sender` is declared by keyword
only, so that a receiver may leave it to its `**kwargs`.

They are other objects than Django's own, which `clarion.integrations.django` carries.
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
"""What a WSGI server tells of a request, as PEP 3333 has it."""

Scope: TypeAlias = MutableMapping[str, Any]
"""What an ASGI server tells of a connection, as ASGI 3.0 has it."""


class BulkWriteWarning(UserWarning):
    """A bulk write has passed receivers by, whichever door it went through."""


class Request:
    """A request that went wrong, with the attributes of Django's that both protocols have.

    Attributes:
        exception: what the application raised.
        environ: the request as the WSGI server told it; None under ASGI.
        scope: the connection as the ASGI server told it; None under WSGI.
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
        """The HTTP method; a websocket begins with a GET."""
        return str(self.META["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The whole path, that of where the application is mounted included."""
        if self.scope is not None:
            return str(self.scope["path"])
        told = self.META.get("SCRIPT_NAME", "") + self.META.get("PATH_INFO", "")
        # PEP 3333 has servers decode bytes as Latin-1, whatever they are.
        return str(told.encode("latin-1").decode(errors="replace"))

    @cached_property
    def META(self) -> Environ:  # noqa: N802 - Django's name
        """The headers and the rest, by their names in CGI."""
        return _meta(self.scope) if self.scope is not None else (self.environ or {})


def _meta(scope: Scope) -> Environ:
    """Tell a scope in the words of CGI, as Django 6.1 does."""
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
            continue  # it would pass for another header
        key = name.replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        separator = "; " if key == "HTTP_COOKIE" else ","
        meta[key] = f"{meta[key]}{separator}{text}" if key in meta else text
    return meta


class _ExceptionPolicy(DeclaredPolicy):
    """Worker threads in which the exception that the sender handles is handled, too."""

    __slots__ = ()

    async def run_in_thread(self, function: Callable[[], Any]) -> Any:
        """Call a function where `sys.exception()` is the sender's, as asgiref does."""
        return await super().run_in_thread(partial(_call_handling, sys.exception(), function))


class _ExceptionSignal(DeclaredSignal[P, R]):
    """A signal that is sent while an exception is handled."""

    policy_class = _ExceptionPolicy


def _call_handling(error: BaseException | None, function: Callable[[], Any]) -> Any:
    """Call a function while an exception is handled, which is left as it was."""
    if error is None:
        return function()
    traceback = error.__traceback__
    try:
        raise error  # noqa: TRY301 - nothing else makes it the one that is handled
    except BaseException:  # noqa: BLE001
        error.__traceback__ = traceback
        return function()


@signal
def request_started(*, sender: Any, environ: Environ | None, scope: Scope | None) -> None:
    """Say that the application is about to be given a request.

    Django sends `environ` under WSGI and `scope` under ASGI. Here a receiver gets both, and
    the one that does not apply is None.

    Args:
        sender: the class of the middleware.
        environ: the request as the WSGI server told it.
        scope: the connection as the ASGI server told it: a request or a websocket.
    """


@signal
def request_finished(*, sender: Any) -> None:
    """Say that a request is over: its last byte is sent, or nobody wants it any more.

    Args:
        sender: the class of the middleware.
    """


@_ExceptionSignal
def got_request_exception(*, sender: Any, request: Request) -> object:
    """Say that an application has raised an exception over a request.

    It is sent while the exception is handled: `sys.exception()` and `logging.exception()`
    know it, in receivers that run in a thread too.

    Args:
        sender: always None.
        request: what was asked, and `request.exception`.
    """


@signal
def setting_changed(*, sender: Any, setting: str, value: Any, enter: bool) -> None:
    """Say that a setting was overridden, or has its own value again.

    Args:
        sender: the class of the settings.
        setting: the name of the setting.
        value: what it is now; None if it is not there any more.
        enter: True when the override begins, False when it ends.
    """


@signal
def template_rendered(*, sender: Any, template: Any, context: Any) -> None:
    """Say that a template is about to be rendered, also as a part of another.

    Args:
        sender: the template.
        template: the template.
        context: what it is rendered with.
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
    """Say that a database is about to be migrated.

    Args:
        sender: whose migrations they are.
        app_config: the same.
        verbosity: how much a receiver should print: 0 nothing, 1 the usual.
        interactive: whether a receiver may ask the user.
        using: the name of the database.
        plan: the migrations in order, each with whether it goes backwards.
        apps: what gives access to the database as it is now.
        stdout: where a receiver should print.
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
    """Say that a database has been migrated.

    Args:
        sender: as for `pre_migrate`.
        app_config: as for `pre_migrate`.
        verbosity: as for `pre_migrate`.
        interactive: as for `pre_migrate`.
        using: as for `pre_migrate`.
        plan: as for `pre_migrate`; these have been applied.
        apps: as for `pre_migrate`.
        stdout: as for `pre_migrate`.
    """
