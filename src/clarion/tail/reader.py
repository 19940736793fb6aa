"""The events that wait for one reader: a bounded number, so that a slow reader blocks no program."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

from clarion._core.fork import new_lock
from clarion.tail.events import BROKEN, SLOW, dropped_event

if TYPE_CHECKING:
    import socket

    from clarion.tail.events import Event

MOST = 10_000  # events that wait
MOST_BYTES = 8 * 2**20  # of the events that wait
CHUNK = 65536  # bytes written at once


class Reader:
    """One connection of a reader.

    Args:
        connection: the socket, which does not block.
        most: how many events wait at most.
        most_bytes: how many bytes they have at most.
    """

    def __init__(
        self, connection: socket.socket, most: int = MOST, most_bytes: int = MOST_BYTES
    ) -> None:
        self.connection = connection
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[bytes] = deque()
        self._size = 0  # bytes that wait
        self._dropped = {SLOW: 0, BROKEN: 0}
        self._buffer = b""
        self._lock = new_lock()
        self._writing = new_lock()  # the thread that closes the server writes too

    def put(self, event: Event) -> None:
        """Add an event, or count it as dropped if too many wait, or too many bytes."""
        line = _line_of(event)
        with self._lock:
            if len(self._waiting) >= self._most or self._size + len(line) > self._most_bytes:
                self._dropped[SLOW] += 1
                return
            self._note_dropped()
            self._append(line)

    def lose(self) -> None:
        """Count an event that could not be made as dropped."""
        with self._lock:
            self._dropped[BROKEN] += 1

    def flush(self) -> bool:
        """Write what the reader takes now; return whether it is still there."""
        try:
            with self._writing:
                while self._buffer or self._fill():
                    sent = self.connection.send(self._buffer)
                    self._buffer = self._buffer[sent:]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def hears(self) -> bool:
        """Read what the reader has sent; return whether it is still there."""
        try:
            return bool(self.connection.recv(CHUNK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _fill(self) -> bool:
        lines: list[bytes] = []
        size = 0
        with self._lock:
            if not self._waiting:
                self._note_dropped()
            while self._waiting and size < CHUNK:
                lines.append(self._waiting.popleft())
                size += len(lines[-1])
            self._size -= size
        self._buffer = b"".join(lines)
        return bool(lines)

    def _note_dropped(self) -> None:
        for reason, count in self._dropped.items():
            if count:
                self._append(_line_of(dropped_event(count, reason)))
                self._dropped[reason] = 0

    def _append(self, line: bytes) -> None:
        self._waiting.append(line)
        self._size += len(line)


def _line_of(event: Event) -> bytes:
    return json.dumps(event).encode() + b"\n"
