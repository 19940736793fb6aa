"""Sessions that a request binds in an application without the middleware of Clarion."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any, cast

from clarion.doctor.finding import Finding
from clarion.doctor.scopes import own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.program import Program
    from clarion.doctor.source import Source

CODE = "W008"

_FRAMEWORKS = {"fastapi": "asgi", "starlette": "asgi", "flask": "wsgi"}
_CLASSES = {"FastAPI", "Starlette", "Flask"}

_REASONS = {
    "asgi": "a dependency that runs in a thread, whose context the endpoint does not see",
    "wsgi": "a function that leaves it open, so that the next request of the thread may find it",
}
_CURES = {
    "asgi": "Add clarion.integrations.asgi.SignalMiddleware to the application, or make the dependency async.",
    "wsgi": "Set app.wsgi_app = SignalMiddleware(app.wsgi_app), of clarion.integrations.wsgi, or write "
    "`with bound(session):`.",
    "django": "Write `with bound(session):`, in a middleware around get_response(request), or put SignalMiddleware, of "
    "clarion.integrations.wsgi or asgi, around the application of Django.",
}
_REASONS["django"] = _REASONS["wsgi"]


def unwrapped_applications(program: Program) -> Iterator[Finding]:
    """Yield the places that bind a session and need the middleware, which an application lacks.

    It finds only applications of FastAPI, Starlette and Flask that a variable of a module holds, and projects of Django.
    """
    bound: object = getattr(sys.modules.get("clarion.integrations.sqlalchemy"), "bound", None)
    if bound is None:
        return
    found = list(_applications(program))
    kinds = {kind for app, kind in found if not _is_wrapped(app)}
    if not found and _is_of_django() and not any(map(_is_ours, program.values())):
        kinds.add("django")
    for kind in sorted(kinds):
        for source in program.imported:
            for line, function in _bindings(source, bound, kind):
                yield Finding(
                    CODE,
                    f"{source.name}.{function}",
                    f"{function}() binds a session in {_REASONS[kind]}, and the application has no "
                    f"SignalMiddleware.",
                    _CURES[kind],
                    source.file,
                    line,
                )


def _is_of_django() -> bool:
    """Return whether the program is a project of Django, whose application only the server imports."""
    apps: object = getattr(sys.modules.get("django.apps"), "apps", None)
    return getattr(apps, "ready", False) is True


def _applications(program: Program) -> Iterator[tuple[object, str]]:
    """Yield the applications without middleware around them, and the protocol of each."""
    found: dict[int, tuple[object, str]] = {}
    wrapped: set[int] = set()
    for value in program.values():
        for module, name in _names_of(type(value)):
            kind = _FRAMEWORKS.get(module.partition(".")[0])
            if kind is not None and name in _CLASSES:
                found[id(value)] = value, kind
        if _is_ours(value):
            wrapped.update(map(id, _inside(value)))
    yield from (each for key, each in found.items() if key not in wrapped)


def _is_wrapped(app: object) -> bool:
    """Return whether an application has the middleware in itself."""
    added: list[object] = [
        getattr(each, "cls", None) for each in getattr(app, "user_middleware", ())
    ]
    around = _inside(getattr(app, "wsgi_app", None))
    return any(map(_is_our_class, added)) or any(map(_is_ours, around))


def _is_ours(value: object) -> bool:
    return _is_our_class(type(value))


def _is_our_class(kind: object) -> bool:
    # Names are compared, because this layer cannot import an integration.
    return issubclass(type(kind), type) and any(
        name == "SignalMiddleware" and module.startswith("clarion.integrations.")
        for module, name in _names_of(cast("type", kind))
    )


def _names_of(kind: type) -> list[tuple[str, str]]:
    """Return the module and the name of a class and of its bases, without running code of theirs."""
    read: Any = type.__getattribute__
    return [(str(read(each, "__module__")), read(each, "__name__")) for each in type.mro(kind)]


def _inside(app: object) -> Iterator[object]:
    """Yield an application, and those that it wraps."""
    for _ in range(100):
        if app is None:
            return
        yield app
        space: dict[str, Any] = getattr(app, "__dict__", {})
        app = space.get("app") or space.get("_app") or space.get("wsgi_app")


def _bindings(source: Source, bound: object, kind: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each call of `bound` that needs the middleware, and its function."""
    for function in ast.walk(source.tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        inside = list(own_nodes(function))
        is_plain = isinstance(function, ast.FunctionDef) and not function.decorator_list
        is_generator = is_plain and any(
            isinstance(each, (ast.Yield, ast.YieldFrom)) for each in inside
        )
        closed = {
            id(item.context_expr)
            for each in inside
            if isinstance(each, (ast.With, ast.AsyncWith))
            for item in each.items
        }
        for each in inside:
            if isinstance(each, ast.Call) and source.lookup(each.func) is bound:
                is_wrong = is_generator if kind == "asgi" else id(each) not in closed
                if is_wrong:
                    yield each.lineno, function.name
