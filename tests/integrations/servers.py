"""Real servers, each in a thread for the length of a block."""

import logging
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import waitress


@contextmanager
def serving_asgi(app, **options):
    """Serve an ASGI application with uvicorn; after the block, all its requests are over."""
    import uvicorn

    options = {"lifespan": "off", "ws": "websockets-sansio", "log_config": None, **options}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """The server of the standard library, with a thread for each connection."""

    daemon_threads = False  # closing the server waits for the threads

    def handle_error(self, request, client_address):
        """Ignore a client that disconnected."""


class Quiet(WSGIRequestHandler):
    """A handler that prints nothing."""

    def log_message(self, *args):
        """Print nothing."""

    def get_stderr(self):
        """Discard tracebacks."""
        return Discarded()


class Discarded:
    """A file that discards what is written."""

    def write(self, text):
        """Discard the text."""

    def flush(self):
        """Do nothing."""


def reference_server(app):
    """Make the threaded server of the standard library."""
    return make_server("127.0.0.1", 0, app, ThreadedServer, Quiet)


class Waitress:
    """A server with a pool of threads that keeps connections alive."""

    def __init__(self, app):
        self._server = waitress.create_server(
            app, host="127.0.0.1", port=0, clear_untrusted_proxy_headers=True
        )
        self.server_port = self._server.effective_port

    def serve_forever(self, poll):
        """Serve until it is shut down."""
        self._server.adj.asyncore_loop_timeout = poll
        self._server.run()

    def shutdown(self):
        """Wait for the threads, then close the sockets, which ends the loop."""
        server = self._server
        server.task_dispatcher.shutdown(timeout=20)
        # The loop may be awake, and close everything before the trigger is pulled.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map))

    def server_close(self):
        """Do nothing: `shutdown` has closed the server."""


@contextmanager
def serving_wsgi(app, make=reference_server):
    """Serve a WSGI application; after the block, all its requests are over."""
    server = make(app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get(place, path="/", **options):
    """Get a page over a new connection."""
    return httpx.get(f"http://{place}{path}", trust_env=False, timeout=20, **options)


@contextmanager
def talking(place, path="/"):
    """Request a page, and yield the socket, which can be closed early."""
    host, _, port = place.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        yield connection


def wait_until(holds, seconds=20):
    """Wait until a condition holds.

    Raises:
        TimeoutError: if it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(sys._getframe(1).f_code.co_name)
        time.sleep(0.005)
