"""Read the events of running programs."""

from __future__ import annotations

import errno
import json
import selectors
import time
from typing import TYPE_CHECKING, Any

from clarion.errors import ArgumentError
from clarion.tail.places import connect, files, new_selector

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator
    from pathlib import Path

    from clarion.tail.events import Event

_AS_ITS_USER = "Run the command as the user of the program."
_CLOSE_FILES = "Raise the limit of open files (ulimit -n), or close other files."

_CURES = {
    errno.EACCES: _AS_ITS_USER,
    errno.EPERM: _AS_ITS_USER,
    errno.EMFILE: _CLOSE_FILES,
    errno.ENFILE: _CLOSE_FILES,
    errno.ENOTDIR: "Name the folder that the program gave to serve_tail().",
}

SEARCH = 0.5  # seconds between two searches for new processes
CHUNK = 65536


class TailReader:
    """The connections to the processes that serve in a folder.

    Args:
        folder: the folder, as it was given to `serve_tail`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._selector = new_selector()
        self._rest: dict[socket.socket, bytes] = {}
        self._paths: dict[socket.socket, Path] = {}

    @property
    def processes(self) -> frozenset[int]:
        """The numbers of the processes that are connected."""
        return frozenset(int(each.stem) for each in self._paths.values())

    def search(self) -> int:
        """Connect to the processes that have begun to serve; return how many are connected.

        Raises:
            OSError: if none is connected, because the folder or a process in it cannot be reached.
        """
        known = set(self._paths.values())
        failure: OSError | None = None
        try:
            for path in files(self._folder):
                if path not in known:
                    failure = self._connect(path) or failure
        except OSError as error:
            failure = error
        if failure is not None and not self._paths:
            raise failure
        return len(self._paths)

    def _connect(self, path: Path) -> OSError | None:
        """Connect to a process; return the error if it runs and cannot be reached."""
        try:
            connection = connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except OSError as error:
            return error
        connection.settimeout(0.0)
        self._selector.register(connection, selectors.EVENT_READ)
        self._rest[connection], self._paths[connection] = b"", path
        return None

    def events(self, seconds: float) -> list[Event]:
        """Wait at most this long for events, and return the first ones."""
        if not self._paths:
            time.sleep(seconds)
            return []
        found: list[Event] = []
        for key, _ in self._selector.select(seconds):
            connection: Any = key.fileobj
            found += self._read(connection)
        return sorted(found, key=lambda event: event["at"])

    def _read(self, connection: socket.socket) -> list[Event]:
        try:
            data = connection.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self._forget(connection)
            return []
        *lines, self._rest[connection] = (self._rest[connection] + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _forget(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()
        del self._rest[connection], self._paths[connection]

    def close(self) -> None:
        """Close the connections."""
        for each in list(self._paths):
            self._forget(each)
        self._selector.close()


def read_tail(folder: Path, *, wait: bool = False) -> Generator[Event]:
    """Yield the events of the processes that serve in a folder.

    Args:
        folder: the folder, as it was given to `serve_tail`.
        wait: whether to wait for a process to serve. If not, the events end when the last process ends.

    Raises:
        ArgumentError: if no process serves there, and `wait` is false; if the folder cannot be read, or
            no process in it can be reached.
    """
    return watch(folder, wait=wait, note=lambda _: None)


def watch(folder: Path, *, wait: bool, note: Callable[[frozenset[int]], None]) -> Generator[Event]:
    """Yield events as `read_tail` does, and note which processes they come from.

    Args:
        folder: the folder, as it was given to `serve_tail`.
        wait: whether to wait for a process to serve.
        note: called with the numbers of the processes that are connected, about twice a second.

    Raises:
        ArgumentError: as `read_tail`.
    """
    reader = TailReader(folder)
    try:
        if not _search(reader, folder, wait=wait) and not wait:
            raise ArgumentError(
                f"No program serves its signals in {folder}. Call clarion.tail.serve_tail() with this "
                f"folder in the program, or wait for it: wait=True, or --wait.",
                ["folder"],
            )
        while _search(reader, folder, wait=wait) or wait:
            note(reader.processes)
            until = time.monotonic() + SEARCH
            while (left := until - time.monotonic()) > 0:
                yield from reader.events(left)
    finally:
        reader.close()


def _search(reader: TailReader, folder: Path, *, wait: bool) -> int:
    try:
        return reader.search()
    except (BlockingIOError, TimeoutError) as error:  # a program is too busy to answer
        if wait:
            return 0
        raise _unreachable(folder, error) from error
    except OSError as error:
        raise _unreachable(folder, error) from error


def _unreachable(folder: Path, error: OSError) -> ArgumentError:
    cure = _CURES.get(error.errno or 0, "Try again.")
    return ArgumentError(
        f"The programs in {folder} cannot be reached: {error.strerror or error}. {cure}", ["folder"]
    )
