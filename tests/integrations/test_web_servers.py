"""The middleware and atomic() behind servers that start processes: Hypercorn and Granian."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from textwrap import dedent

import httpx
import pytest

from tests.integrations.servers import wait_until

PROGRAM = dedent("""
    import sqlite3
    from pathlib import Path
    from clarion import Signal, on_commit, receiver
    from clarion.commit import atomic
    from clarion.integrations import asgi, wsgi
    from clarion.integrations.asgi import request_finished, request_started

    log = Path(__file__).with_name("log")
    placed = Signal(name="shop.placed")

    def note(text):
        with log.open("a") as file:
            print(text, file=file)

    @receiver(request_started)
    def start(sender, **kwargs):
        note("started")

    @receiver(request_finished)
    def finish(sender, **kwargs):
        note("finished")

    @receiver(placed, delivery=on_commit)
    def mail(sender, **kwargs):
        note("mailed")

    def order():
        connection = sqlite3.connect(":memory:")
        with atomic(connection):
            connection.execute("CREATE TABLE orders (id INTEGER)")
            placed.send(None)
            note("sent")
        connection.close()

    async def over_asgi(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError
        order()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ordered"})

    def over_wsgi(environ, start_response):
        order()
        start_response("200 OK", [])
        return [b"ordered"]

    async_app = asgi.SignalMiddleware(over_asgi)
    sync_app = wsgi.SignalMiddleware(over_wsgi)
""")

COMMANDS = {
    "hypercorn asgi": "hypercorn --bind 127.0.0.1:{port} program:async_app",
    "hypercorn wsgi": "hypercorn --bind 127.0.0.1:{port} wsgi:program:sync_app",
    "granian asgi": "granian --interface asginl --port {port} program:async_app",
    "granian wsgi": "granian --interface wsgi --port {port} program:sync_app",
}


@contextmanager
def serving(folder, command):
    """Run a server in a process of its own; yield the address."""
    (folder / "program.py").write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = os.pathsep.join([str(folder), *sys.path])
    with (folder / "output").open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command.format(port=port).split()],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=output,
            stderr=output,
        )
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def get(address):
    """Return the answer of a server, or an empty text while it starts."""
    try:
        return httpx.get(address).text
    except httpx.TransportError:
        return ""


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_request_is_a_boundary(tmp_path, command):
    """The request starts, its transaction commits, its receiver runs, and it is finished."""
    with serving(tmp_path, command) as address:
        wait_until(lambda: get(address) == "ordered")
        log = tmp_path / "log"
        wait_until(lambda: "finished" in log.read_text())
    assert log.read_text().split() == ["started", "sent", "mailed", "finished"]
