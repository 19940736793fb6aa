"""Read the events of running programs."""

from __future__ import annotations

import json
import selectors
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from clarion.errors import ArgumentError
from clarion.tail.places import connect, files

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator
    from pathlib import Path

    from clarion.tail.events import Event

SEARCH = 0.5  # seconds between two looks for new processes
CHUNK = 65536


class TailReader:
    """The connections to the processes that serve in a folder.

    Args:
        folder: the folder, as it was given to `serve_tail`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._rest: dict[socket.socket, bytes] = {}
        self._paths: dict[socket.socket, Path] = {}

    def search(self) -> int:
        """Connect to the processes that have begun to serve; return the number of all."""
        known = set(self._paths.values())
        for path in files(self._folder):
            if path not in known:
                with suppress(OSError):
                    connection = connect(path)
                    connection.settimeout(0.0)
                    self._selector.register(connection, selectors.EVENT_READ)
                    self._rest[connection], self._paths[connection] = b"", path
        return len(self._paths)

    def events(self, seconds: float) -> list[Event]:
        """Return the events that arrive, and wait for them so long at most."""
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
        wait: whether to wait for a process to serve. Otherwise the events end with the last process.

    Raises:
        ArgumentError: if no process serves there, and it does not wait.
    """
    reader = TailReader(folder)
    try:
        if not reader.search() and not wait:
            raise ArgumentError(
                f"No program serves its signals in {folder}. Call clarion.tail.serve_tail() with this "
                f"folder in the program, or wait for it: wait=True, or --wait.",
                ["folder"],
            )
        while reader.search() or wait:
            until = time.monotonic() + SEARCH
            while (left := until - time.monotonic()) > 0:
                yield from reader.events(left)
    finally:
        reader.close()
