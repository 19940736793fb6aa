"""Serve the events of this process to its readers, from a thread of its own."""

from __future__ import annotations

import _thread
import atexit
import hmac
import logging
import os
import selectors
import socket
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from clarion._core.fork import call_in_child, new_lock
from clarion.errors import ArgumentError
from clarion.tail.places import Listener, listen, new_selector
from clarion.tail.reader import MOST, Reader
from clarion.tail.recorder import recorder

if TYPE_CHECKING:
    from typing import Self

PAUSE = 0.05  # seconds between two writes to a reader
RETRY = 1.0  # seconds until the next attempt to accept a reader, after one has failed

logger = logging.getLogger("clarion.tail")

# The servers stay here until they are closed, because a program may keep no reference to one.
_servers: set[TailServer] = set()


class TailServer:
    """Serves the events of this process: see `serve_tail`. It closes at the end of a `with` block.

    Attributes:
        folder: the folder of the sockets.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self.folder = folder
        self._most = most
        self._lock = new_lock()
        self._is_closed = False
        self._start()
        _servers.add(self)

    @property
    def path(self) -> Path:
        """The file of this process in the folder."""
        return self._listener.path

    def _start(self) -> None:
        self._process = os.getpid()
        self._listener: Listener = listen(self.folder)
        self._listener.socket.settimeout(0.0)
        self._selector = new_selector()
        self._readers: dict[socket.socket, Reader] = {}
        self._strangers: set[socket.socket] = set()
        self._retry_at: float | None = None  # while no reader can be accepted
        self._is_refusing = False
        try:
            self._wake, self._woken = socket.socketpair()
            self._selector.register(self._listener.socket, selectors.EVENT_READ)
            self._selector.register(self._woken, selectors.EVENT_READ)
            _thread.start_new_thread(self._run, (self._process,))
        except BaseException:
            self._listener.close()
            raise

    def close(self) -> None:
        """Stop serving: the readers see the end, and nothing is watched any more."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        _servers.discard(self)
        for reader in list(self._readers.values()):
            recorder.remove(reader)
            reader.flush()
        self._listener.close()
        self._wake.close()  # wakes the thread, which closes the rest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else f"{len(self._readers)} readers"
        return f"<TailServer in {self.folder}: {state}>"

    def serve_in_child(self) -> None:
        """Serve in the child of a fork too, and leave the connections to the parent."""
        for each in (*self._readers, *self._strangers, self._wake, self._woken):
            each.close()
        for reader in self._readers.values():
            recorder.remove(reader)
        self._listener.close(is_own=False)
        try:
            self._start()
        except (OSError, ArgumentError) as error:
            _servers.discard(self)
            logger.warning("A forked process does not serve its signals: %s", error)

    def _run(self, process: int) -> None:
        selector, listener = self._selector, self._listener.socket
        while not self._is_closed and self._process == process:
            self._listen_again(listener)
            for key, _ in selector.select(self._timeout()):
                if key.fileobj is listener:
                    self._accept()
                elif key.fileobj is not self._woken:
                    self._read(key.fileobj)  # type: ignore[arg-type]  # a socket
            for reader in list(self._readers.values()):
                if not reader.flush():
                    self._forget(reader.connection)
        if self._process == process:
            for connection in list(self._readers):
                self._forget(connection)
            for connection in self._strangers:
                connection.close()
            self._woken.close()
            selector.close()

    def _timeout(self) -> float | None:
        """Return how many seconds the thread may wait; None if there is no limit."""
        if self._readers:
            return PAUSE
        return None if self._retry_at is None else max(0.0, self._retry_at - monotonic())

    def _listen_again(self, listener: socket.socket) -> None:
        """Accept readers again, some time after an attempt has failed."""
        if self._retry_at is not None and monotonic() >= self._retry_at:
            self._retry_at = None
            with suppress(ValueError, KeyError):  # it was closed
                self._selector.register(listener, selectors.EVENT_READ)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.socket.accept()
        except (BlockingIOError, ConnectionError):  # the reader has gone
            return
        except OSError as error:  # such as too many open files
            self._refuse(error)
            return
        self._is_refusing = False
        connection.settimeout(0.0)
        self._selector.register(connection, selectors.EVENT_READ)
        if self._listener.secret:
            self._strangers.add(connection)
        else:
            self._welcome(connection)

    def _refuse(self, error: OSError) -> None:
        """Accept no reader for a while: the listener stays readable, so the thread would spin."""
        if self._is_closed:
            return
        self._selector.unregister(self._listener.socket)
        self._retry_at = monotonic() + RETRY
        if not self._is_refusing:
            self._is_refusing = True
            logger.warning("A reader cannot connect: %s", error)

    def _welcome(self, connection: socket.socket) -> None:
        reader = self._readers[connection] = Reader(connection, self._most)
        recorder.add(reader)

    def _read(self, connection: socket.socket) -> None:
        if connection in self._strangers:
            self._admit(connection)
        elif not self._readers[connection].hears():
            self._forget(connection)

    def _admit(self, connection: socket.socket) -> None:
        """Let a connection read if it sends the secret."""
        try:
            given = connection.recv(1000)
        except OSError:
            given = b""
        self._strangers.discard(connection)
        if hmac.compare_digest(given, self._listener.secret + b"\n"):
            self._welcome(connection)
        else:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()
        reader = self._readers.pop(connection, None)
        if reader is not None:
            recorder.remove(reader)


def serve_tail(folder: str | Path) -> TailServer:
    """Let ``clarion tail`` watch this process, and those that it forks.

    Each process has a socket in the folder, which only its user can read. A reader gets names,
    durations and outcomes, but no values. While no reader is connected, a send costs nothing
    more. A reader that is too slow misses events, and sees how many.

    Args:
        folder: a folder for this program. It is made with the mode 0700 if it does not exist.

    Returns:
        A `TailServer`. It serves until `close()`, or until the process ends.

    Raises:
        ArgumentError: if other users could read the folder, its path is too long for a socket, or this
            process serves there already.
        OSError: if the folder cannot be made.
    """
    path = Path(folder)
    if any(each.folder.absolute() == path.absolute() for each in _servers):
        raise ArgumentError(
            f"This process serves its signals in {path} already. Call serve_tail() once, or close the "
            f"first TailServer.",
            ["folder"],
        )
    return TailServer(path)


def _close_all() -> None:
    for server in list(_servers):
        server.close()


def _serve_in_child() -> None:
    for server in list(_servers):
        server.serve_in_child()


atexit.register(_close_all)
call_in_child(_serve_in_child)
