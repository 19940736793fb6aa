"""The alias of an engine, which receivers get as `using`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from clarion._core.names import value_name
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.orm import Mapper, Session

DEFAULT = "default"

_aliases: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()

when_named: list[Callable[[], None]] = []
"""Called after an engine was given another alias than the default one."""


def alias(engine: Engine | AsyncEngine, name: str) -> None:
    """Give an engine the alias that receivers get as `using`.

    Args:
        engine: the engine, sync or async.
        name: the alias; an engine without one has the alias "default".

    Raises:
        ArgumentError: if there is no engine, the name is not text, or the arguments are swapped.
    """
    given: Any = engine
    sync = given if isinstance(given, Engine) else getattr(given, "sync_engine", None)
    if not isinstance(sync, Engine) or not isinstance(cast("Any", name), str):
        raise ArgumentError(
            f"alias() was given {value_name(engine)} as the engine and {value_name(name)} as the name. "
            f"Write alias(engine, name).",
            ["engine", "name"],
        )
    _aliases[sync] = name
    if name != DEFAULT:
        for each in when_named:
            each()


def are_named() -> bool:
    """Return whether an engine has another alias than the default one."""
    return any(name != DEFAULT for name in list(_aliases.values()))


def alias_of(engine: Any) -> str:
    """Return the alias of an engine, also of one made by `execution_options()`."""
    while engine is not None:
        if engine in _aliases:
            return _aliases[engine]
        engine = getattr(engine, "_proxied", None)
    return DEFAULT


def engine_of(name: str) -> Engine | None:
    """Return the engine that was given an alias; the last one, if several were."""
    return next((engine for engine, each in reversed(list(_aliases.items())) if each == name), None)


def using(session: Session, mapper: Mapper[Any], arguments: Mapping[str, Any]) -> str:
    """Return the alias of the engine that a session executes a statement on.

    Args:
        session: the session.
        mapper: the mapper of the class.
        arguments: the `bind_arguments` of the statement.
    """
    given: dict[str, Any] = {**arguments, "mapper": mapper}
    try:
        bind: Any = given.get("bind") or session.get_bind(**given)
        return alias_of(bind.engine)
    except Exception:  # noqa: BLE001  # user code; the statement raises the same to its caller
        return DEFAULT  # or it is executed on several shards
