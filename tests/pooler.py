"""A pooler before PostgreSQL, which behaves to its clients like PgBouncer in transaction mode."""

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


def _read(source, size):
    data = b""
    while len(data) < size:
        if not (chunk := source.recv(size - len(data))):
            raise ConnectionError
        data += chunk
    return data


def _to_client(server, client):
    """Pass on the messages of a server, with an invented process, and without notifications."""
    with suppress(OSError):
        while True:
            kind, length = struct.unpack("!cI", _read(server, 5))
            body = _read(server, length - 4)
            if kind == b"K":
                body = struct.pack("!I", 4711) + body[4:]
            if kind != b"A":
                client.sendall(kind + struct.pack("!I", length) + body)
    for each in (client, server):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)  # the other thread keeps it open
        each.close()


def _to_server(client, server):
    with suppress(OSError):
        while data := client.recv(65536):
            server.sendall(data)
    with suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def pooler(url):
    """Serve a database as a pooler does; yield its URL there."""
    parts = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((parts.hostname, parts.port or 5432))
                for target, pair in (
                    (_to_client, (server, client)),
                    (_to_server, (client, server)),
                ):
                    threading.Thread(target=target, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    user = parts.netloc.rpartition("@")[0]
    place = f"{user}@127.0.0.1:{listener.getsockname()[1]}"
    query = "&".join(filter(None, [parts.query, "sslmode=disable&gssencmode=disable"]))
    try:
        yield parts._replace(netloc=place, query=query).geturl()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
