"""Django's connections, and the connection of the driver that a boundary writes on."""

from __future__ import annotations

import sys
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


def django_connections() -> Any:
    """Return Django's connections, which the program has loaded."""
    return sys.modules["django.db"].connections


async def in_sync_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in asgiref's thread for sync code, which holds Django's connections."""
    # procrastinate depends on asgiref.
    from asgiref.sync import sync_to_async

    return await sync_to_async(function, thread_sensitive=True)(*arguments)


def alias_of(connection: Any) -> str | None:
    """Return the alias of a connection of Django's; None for any other."""
    alias = getattr(connection, "alias", None)
    return alias if type(alias) is str else None


def is_in_thread(connection: Any) -> bool:
    """Return whether a connection of Django belongs to asgiref's thread for sync code."""
    return alias_of(connection) is not None and iscoroutinefunction(connection.rows)


def driver_connection(connection: Any) -> Any:
    """Return the connection of the driver for the one that a boundary writes on."""
    if (alias := alias_of(connection)) is not None:
        return django_connections()[alias].connection
    core = getattr(connection, "sync_connection", connection)  # of an AsyncConnection
    return getattr(getattr(core, "connection", None), "driver_connection", core)
