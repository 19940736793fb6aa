"""Wake a worker by the notifications of PostgreSQL."""

from __future__ import annotations

import logging
import threading
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

LONGEST_SILENCE = 30.0  # seconds
RECONNECT_SECONDS = 5.0
ANSWER_SECONDS = 2.0

NOTIFY = "NOTIFY clarion"

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


class NotifiedConnection(Protocol):
    """A connection that waits for notifications, in autocommit mode."""

    @property
    def process(self) -> int:
        """The number of the server's process, as the driver got it."""
        ...

    def listen(self) -> None:
        """Begin to listen to the channel `clarion`."""
        ...

    def select(self, query: str) -> list[Any]:
        """Run a query, and return its rows."""
        ...

    def notify(self) -> None:
        """Notify the connections that listen."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for a notification; return whether one has come."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class _PsycopgConnection:
    def __init__(self, driver: Any, opened: OpenConnection) -> None:
        self._tuple_row = driver.rows.tuple_row
        self._raw = opened.connection
        self.close = opened.close

    @property
    def process(self) -> int:
        number: int = self._raw.info.backend_pid
        return number

    def listen(self) -> None:
        self._raw.execute("LISTEN clarion")

    def select(self, query: str) -> list[Any]:
        found: list[Any] = self._raw.cursor(row_factory=self._tuple_row).execute(query).fetchall()
        return found

    def notify(self) -> None:
        self._raw.execute(NOTIFY)

    def wait(self, seconds: float) -> bool:
        return any(True for _ in self._raw.notifies(timeout=seconds, stop_after=1))


def can_wait(driver: Any) -> bool:
    """Return whether a module of a driver is psycopg 3.2 or later, whose wait can have a limit."""
    return hasattr(driver, "capabilities")  # new in 3.2, as the limit is


def listening(
    driver: Any, connect: Callable[[], OpenConnection], wake: Callable[[], object], name: str
) -> AbstractContextManager[None]:
    """Call a function after commits that store deliveries, while the block runs.

    It does nothing if the tables have no trigger, see `clarion.outbox.tables.create_tables`, if the
    driver is not psycopg 3.2 or later, or if a pooler passes on no notifications.

    Args:
        driver: the module of the driver.
        connect: opens a connection that nothing else uses. It is called in another thread too.
        wake: the function, called in another thread. It must return at once.
        name: how messages name the database.
    """
    if not can_wait(driver):
        return nullcontext()
    return listening_to(
        lambda: _PsycopgConnection(driver, connect()), wake, name, (driver.OperationalError,)
    )


@contextmanager
def listening_to(
    connect: Callable[[], NotifiedConnection],
    wake: Callable[[], object],
    name: str,
    interruptions: tuple[type[BaseException], ...],
) -> Generator[None]:
    """Call a function after commits that store deliveries, while the block runs.

    Args:
        connect: opens a connection that nothing else uses. It is called in another thread too.
        wake: the function, called in another thread. It must return at once.
        name: how messages name the database.
        interruptions: the errors of the driver after which a new connection may work.
    """
    listener = _Listener(connect, wake, name, interruptions)
    thread = threading.Thread(target=listener.run, name="clarion-listen", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.ended.set()
        if thread.is_alive():
            with suppress(Exception), closing(connect()) as opened:
                opened.notify()  # ends its wait
        thread.join(ANSWER_SECONDS if listener.is_pooled else LONGEST_SILENCE)


class _Listener:
    def __init__(
        self,
        connect: Callable[[], NotifiedConnection],
        wake: Callable[[], object],
        name: str,
        interruptions: tuple[type[BaseException], ...],
    ) -> None:
        self._connect = connect
        self._wake = wake
        self._name = name
        self._interruptions = interruptions
        self.ended = threading.Event()
        self.is_pooled = False

    def run(self) -> None:
        """Listen until the end, and connect again after each interruption."""
        while not self.ended.is_set():
            try:
                with closing(self._connect()) as opened:
                    if self._can_listen(opened):
                        self._listen(opened)
            except Exception as raised:  # noqa: BLE001  # a program's hook may raise anything
                errors = _with_causes(raised)
                if not any(isinstance(each, self._interruptions) for each in errors):
                    logger.info("%s refuses to send notifications: %s", self._name, errors[-1])
                    return
                logger.info("The notifications of %s were interrupted.", self._name)
                self.ended.wait(RECONNECT_SECONDS)
            else:
                return

    def _can_listen(self, opened: NotifiedConnection) -> bool:
        """Begin to listen; return whether a notification may come."""
        opened.listen()
        if not opened.select(_HAS_TRIGGER):
            return False
        [(process,)] = opened.select(_PROCESS)
        self.is_pooled = process != opened.process
        if self.is_pooled and not self._hears(opened):
            logger.info("A pooler passes on no notifications of %s.", self._name)
            return False
        return True

    def _hears(self, opened: NotifiedConnection) -> bool:
        """Return whether a connection that listens gets a notification of another one."""
        with closing(self._connect()) as other:
            other.notify()
        return opened.wait(ANSWER_SECONDS)

    def _listen(self, opened: NotifiedConnection) -> None:
        while not self.ended.is_set():
            if opened.wait(LONGEST_SILENCE):
                self._wake()


def _with_causes(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, because SQLAlchemy and Django raise their own."""
    found = [error]
    while (cause := found[-1].__cause__) is not None:
        found.append(cause)
    return found
