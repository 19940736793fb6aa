"""Brokers that a test can stop and start again, without stopping those of other tests."""

import shutil
import socket
import subprocess
import threading
import time
from typing import Any

import pytest


def free_port():
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def wait_for_port(port, seconds=30.0):
    """Wait until something listens on a port."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.02)
        else:
            return


class OwnRedis:
    """A Redis that keeps its data when it is stopped; the test is skipped if none is installed.

    Args:
        folder: where it keeps its data.
    """

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.process: Any = None
        self.start()

    @property
    def url(self):
        """The URL of the first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        """Start it."""
        server = shutil.which("redis-server") or pytest.skip("no redis-server is installed")
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes"}
        given = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen([server, *given], stdout=subprocess.DEVNULL)
        wait_for_port(self.port)
        self._wait_for_data()

    def _wait_for_data(self):
        """Wait until it has read its data, before which it refuses commands."""
        deadline = time.monotonic() + 30
        while True:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as asked:
                asked.sendall(b"PING\r\n")
                answer = asked.recv(100)
            if answer.startswith(b"+PONG"):
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)

    def stop(self):
        """Stop it, and keep its data."""
        self.process.terminate()
        self.process.wait(30)

    close = stop


class Proxy:
    """Passes connections on to a server, until it is cut.

    Args:
        host: the server.
        port: its port.
    """

    def __init__(self, host, port):
        self.target = (host, port)
        self.port = free_port()
        self.listener: Any = None
        self.pairs: list[Any] = []
        self.start()

    def start(self):
        """Accept connections."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()

    def stop(self):
        """Close all connections, and refuse new ones."""
        # Wakes the thread in `accept`, which `close` alone does not.
        with _closing_anyway():
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        pairs, self.pairs = self.pairs, []
        for each in pairs:
            with _closing_anyway():
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    close = stop

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            self.pairs += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=[source, sink], daemon=True).start()


class Supervised(Proxy):
    """A proxy whose workers end when it is cut, and are started again, as by a supervisor.

    Args:
        host: the server.
        port: its port.
        stage: the stage.
    """

    def __init__(self, host, port, stage):
        self.stage = None
        super().__init__(host, port)
        self.stage = stage

    def start(self):
        """Accept connections, and start a worker."""
        super().start()
        if self.stage is not None:
            self.stage.kill_workers()
            self.stage.start_worker()


def _copy(source, sink):
    with _closing_anyway():
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with _closing_anyway():
            each.shutdown(socket.SHUT_RDWR)


class _closing_anyway:  # noqa: N801  # as `suppress`
    """Ignore that the other side has closed a socket."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return isinstance(error, OSError)
