"""The folder in which each process has a socket: only its user can read it.

A process listens on a Unix socket, `PID.sock`. Where Python has none, it listens on a port of this
machine, and `PID.port` holds the number and a secret that a reader has to send first.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HAS_UNIX = hasattr(socket, "AF_UNIX")
LOCAL = "127.0.0.1"
LONGEST = 100  # bytes of the path of a Unix socket; systems take 103 or 107
SECONDS = 5.0  # to connect


class Listener(NamedTuple):
    """Where one process listens.

    Attributes:
        socket: the socket.
        path: the file by which readers find it.
        secret: what a reader has to send first; empty if the folder protects the socket.
    """

    socket: socket.socket
    path: Path
    secret: bytes

    def close(self, *, is_own: bool = True) -> None:
        """Close the socket, and remove its file if it is that of this process."""
        self.socket.close()
        if is_own:
            self.path.unlink(missing_ok=True)


def new_selector() -> selectors.BaseSelector:
    """Return a selector that uses poll, because a forked child would share the state of epoll."""
    kind: type[selectors.BaseSelector] = getattr(
        selectors, "PollSelector", selectors.SelectSelector
    )
    return kind()


def listen(folder: Path) -> Listener:
    """Return a socket in a folder, which is made if it does not exist.

    Raises:
        ArgumentError: if the folder is open to other users, or its path is too long.
        OSError: if it cannot be made.
    """
    prepare(folder)
    for path in files(folder):
        if not _is_alive(path):
            path.unlink(missing_ok=True)
    return _listen_unix(folder) if HAS_UNIX else _listen_local(folder)


def prepare(folder: Path) -> None:
    """Make a folder that only its user can read.

    Raises:
        ArgumentError: if it is not a folder, is another user's, or is open to others.
    """
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)  # another process may make it first
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ArgumentError(f"{folder} is no folder. Name a folder for the sockets.")
    if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
        raise ArgumentError(
            f"Other users could read {folder}. Name a folder of this user with the mode 0700, or one "
            f"that does not exist."
        )


def files(folder: Path) -> Iterator[Path]:
    """Yield the files of the processes that listen, or have listened, in a folder.

    Raises:
        OSError: if the folder exists and cannot be read.
    """
    # Only files named by a process number, because other programs may have sockets there.
    with suppress(FileNotFoundError):
        yield from sorted(
            each
            for each in folder.iterdir()
            if each.suffix in {".sock", ".port"} and each.stem.isdecimal()
        )


def connect(path: Path) -> socket.socket:
    """Return a connection to the process of a file.

    Raises:
        OSError: if it does not listen any more, or cannot be reached.
    """
    if path.suffix == ".sock":
        connection = socket.socket(socket.AF_UNIX)
        target: str | tuple[str, int] = str(path)
        first = b""
    else:
        connection = socket.socket(socket.AF_INET)
        try:
            parts = json.loads(path.read_text())
            target, first = (LOCAL, int(parts["port"])), str(parts["secret"]).encode() + b"\n"
        except (ValueError, KeyError, TypeError):
            connection.close()
            raise ConnectionRefusedError from None
    try:
        connection.settimeout(SECONDS)
        connection.connect(target)
        connection.sendall(first)
    except OSError:
        connection.close()
        raise
    return connection


def _is_alive(path: Path) -> bool:
    try:
        connect(path).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:  # it is busy, or stopped
        return True
    return True


def _listen_unix(folder: Path) -> Listener:
    path = folder.absolute() / f"{os.getpid()}.sock"
    if len(os.fsencode(path)) > LONGEST:
        raise ArgumentError(
            f"The path of {folder} is too long for a socket. Name a folder with a path of {LONGEST - 20} "
            f"bytes at most."
        )
    hidden = path.with_suffix(".new")
    hidden.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(hidden))
    hidden.chmod(0o600)
    found.listen()
    hidden.replace(path)  # after listen(): until then, another process would remove it as dead
    return Listener(found, path, b"")


def _listen_local(folder: Path) -> Listener:
    secret = secrets.token_hex(16)
    found = socket.socket(socket.AF_INET)
    found.bind((LOCAL, 0))
    found.listen()
    path = folder.absolute() / f"{os.getpid()}.port"
    hidden = path.with_suffix(".new")
    hidden.touch(mode=0o600)
    hidden.write_text(json.dumps({"port": found.getsockname()[1], "secret": secret}))
    hidden.replace(path)
    return Listener(found, path, secret.encode())
