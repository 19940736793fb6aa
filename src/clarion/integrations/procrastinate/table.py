"""Whether a connection sees the table of an app."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import tuple_row

from clarion._core.loops import run_in_thread
from clarion.integrations.procrastinate.connections import django_connections

if TYPE_CHECKING:
    from procrastinate import App

# A table of one database of one running server. The time has microseconds. As a number, because
# sessions show a time in their own zone and style.
_PLACE = (
    "SELECT extract(epoch FROM pg_postmaster_start_time())::text, current_database()::text, "
    "to_regclass('procrastinate_jobs')::oid::bigint"
)


class Table:
    """Recognises the transactions in which jobs of an app can be inserted.

    It asks at each send, because any statement may change the search path of a connection.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._connector: Any = None
        self._is_ours: dict[Any, bool] = {}  # by place

    def is_in(self, raw: Any) -> bool:
        """Return whether a connection sees the table of the app."""
        with raw.cursor(row_factory=tuple_row) as cursor:
            place = cursor.execute(_PLACE).fetchone()
        known = self._known(place)
        return self._look_up(place) if known is None else known

    async def ais_in(self, raw: Any) -> bool:
        """Return whether an async connection sees the table of the app."""
        async with raw.cursor(row_factory=tuple_row) as cursor:
            place = await (await cursor.execute(_PLACE)).fetchone()
        known = self._known(place)
        return await run_in_thread(partial(self._look_up, place)) if known is None else known

    def _known(self, place: Any) -> bool | None:
        if self._connector is not self._app.connector:  # a test has replaced it
            self._connector, self._is_ours = self._app.connector, {}
        return False if place[-1] is None else self._is_ours.get(place)

    def _look_up(self, place: Any) -> bool:
        self._is_ours[place] = is_ours = bool(_place_of(self._app) == place)
        return is_ours


def _place_of(app: App) -> tuple[Any, ...] | None:
    """Return the place of the table of an app; None if it is not known.

    Raises:
        AppNotOpen: if the app is not open.
    """
    # A connection of its own: the pool may belong to an event loop, and Django's may have been changed.
    if (arguments := arguments_of(app)) is None:
        return None
    with psycopg.connect(**arguments) as raw:
        return raw.cursor(row_factory=tuple_row).execute(_PLACE).fetchone()


def arguments_of(app: App) -> dict[str, Any] | None:
    """Return the arguments of a connection to the database of an app; None if they are not known.

    Raises:
        AppNotOpen: if the app is not open.
    """
    arguments: dict[str, Any] = {}
    if (alias := getattr(app.connector, "alias", None)) is not None:
        arguments |= django_connections()[alias].get_connection_params()
        arguments.pop("pool", None)
    else:
        pool: Any = getattr(app.connector.get_sync_connector(), "pool", None)
        if not hasattr(pool, "conninfo") or callable(pool.conninfo) or callable(pool.kwargs):
            return None  # in memory, of another driver, or the arguments may be coroutines
        arguments |= {"conninfo": pool.conninfo or "", **(pool.kwargs or {})}
    return {**arguments, "autocommit": True}
