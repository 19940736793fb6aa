"""Wake a worker by the notifications of PostgreSQL, on a connection of psycopg 3."""

from __future__ import annotations

import logging
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LONGEST_SILENCE = 30.0  # seconds
RECONNECT_SECONDS = 5.0
ANSWER_SECONDS = 2.0

_NOTIFY = "NOTIFY clarion"

# A pooler invents the number of the process that it gives to its clients.
_PROCESS = "SELECT pg_backend_pid()"

_HAS_TRIGGER = (
    "SELECT 1 FROM pg_trigger WHERE tgname = 'clarion_notify' "
    "AND tgrelid = 'clarion_delivery'::regclass"
)

logger = logging.getLogger("clarion.worker")


class OpenConnection(Protocol):
    """A connection of an integration, which closes the driver's connection.

    Attributes:
        connection: the connection of the driver, in autocommit mode.
    """

    connection: Any

    def close(self) -> None:
        """Close the connection."""
        ...


@contextmanager
def listening(
    driver: Any, connect: Callable[[], OpenConnection], wake: Callable[[], object], name: str
) -> Generator[None]:
    """Call a function after commits that store deliveries, while the block runs.

    It does nothing if the tables have no trigger, see `clarion.outbox.tables.create_tables`, if the
    driver is not psycopg 3.2 or later, or if a pooler passes on no notifications.

    Args:
        driver: the module of the driver.
        connect: opens a connection that nothing else uses. It is called in another thread too.
        wake: the function, called in another thread. It must return at once.
        name: how messages name the database.
    """
    if not hasattr(driver, "capabilities"):  # new in psycopg 3.2, as the limit of its wait is
        yield
        return
    listener = _Listener(driver, connect, wake, name)
    thread = threading.Thread(target=listener.run, name="clarion-listen", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.ended.set()
        if thread.is_alive():
            with suppress(Exception), closing(connect()) as opened:
                opened.connection.execute(_NOTIFY)  # ends its wait
        thread.join(ANSWER_SECONDS if listener.is_pooled else LONGEST_SILENCE)


class _Listener:
    def __init__(
        self,
        driver: Any,
        connect: Callable[[], OpenConnection],
        wake: Callable[[], object],
        name: str,
    ) -> None:
        self._driver = driver
        self._connect = connect
        self._wake = wake
        self._name = name
        self.ended = threading.Event()
        self.is_pooled = False

    def run(self) -> None:
        """Listen until the end, and connect again after each interruption."""
        while not self.ended.is_set():
            try:
                with closing(self._connect()) as opened:
                    if self._can_listen(opened.connection):
                        self._listen(opened.connection)
            except Exception as raised:  # noqa: BLE001  # a program's hook may raise anything
                # SQLAlchemy and Django raise their own errors from those of the driver.
                is_own = isinstance(raised, self._driver.Error)
                error = raised if is_own else raised.__cause__ or raised
                if not isinstance(error, self._driver.OperationalError):
                    logger.info("%s refuses to send notifications: %s", self._name, error)
                    return
                logger.info("The notifications of %s were interrupted.", self._name)
                self.ended.wait(RECONNECT_SECONDS)
            else:
                return

    def _can_listen(self, raw: Any) -> bool:
        """Begin to listen; return whether a notification may come."""
        raw.execute("LISTEN clarion")
        if not self._rows(raw, _HAS_TRIGGER):
            return False
        [(process,)] = self._rows(raw, _PROCESS)
        self.is_pooled = process != raw.info.backend_pid
        if self.is_pooled and not self._hears(raw):
            logger.info("A pooler passes on no notifications of %s.", self._name)
            return False
        return True

    def _rows(self, raw: Any, query: str) -> list[Any]:
        cursor = raw.cursor(row_factory=self._driver.rows.tuple_row)
        found: list[Any] = cursor.execute(query).fetchall()
        return found

    def _hears(self, raw: Any) -> bool:
        """Return whether a connection that listens gets a notification of another one."""
        with closing(self._connect()) as other:
            other.connection.execute(_NOTIFY)
        return any(True for _ in raw.notifies(timeout=ANSWER_SECONDS, stop_after=1))

    def _listen(self, raw: Any) -> None:
        while not self.ended.is_set():
            for _ in raw.notifies(timeout=LONGEST_SILENCE, stop_after=1):
                self._wake()
