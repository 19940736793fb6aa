"""Serve events to readers."""

import socket
import subprocess
import sys
from contextlib import closing
from itertools import pairwise

import pytest

from clarion.errors import ArgumentError
from clarion.tail import places, serve_tail
from clarion.tail import server as server_module
from clarion.tail.places import connect
from tests.house.tree import SRC
from tests.tail.conftest import is_watched, no_free_descriptor, reading, until


def test_a_reader_gets_the_sends(signal, server):
    """While it is connected, and no longer."""
    assert repr(server) == f"<TailServer in {server.folder}: 0 readers>"
    assert not is_watched(signal)
    with reading(server.folder) as read:
        until(lambda: is_watched(signal))
        signal.send(None, order_id=1)
        (event,) = read(1)
        assert (event["signal"], event["keywords"]) == ("tests.tail.paid", ["order_id"])
    until(lambda: not is_watched(signal))


def test_two_readers(signal, server):
    """Each gets every event, and the end of one is not the end of the other."""
    with reading(server.folder) as read:
        with reading(server.folder) as other:
            until(lambda: "2 readers" in repr(server))
            signal.send(None)
            assert other(1) == read(1)
        until(lambda: "1 readers" in repr(server))
        signal.send(None)
        assert len(read(2)) == 2


def test_a_second_server_in_a_folder(server, monkeypatch):
    """Is refused, because readers would find one only; after the first one it serves."""
    monkeypatch.chdir(server.folder)
    for folder in (server.folder, "."):
        with pytest.raises(
            ArgumentError, match=r"serves its signals in .* already\. Call serve_tail"
        ):
            serve_tail(folder)
    assert server.path.exists()
    server.close()
    with serve_tail(server.folder) as again:
        assert again.path.exists()


def test_a_reader_that_reads_nothing(signal, tmp_path):
    """It does not stop the program; what does not fit is dropped, and counted once it reads."""
    with serve_tail(tmp_path / "tail") as server, closing(connect(server.path)) as reader:
        until(lambda: is_watched(signal))
        for _ in range(30_000):
            signal.send(None, **{"x" * 50: 1})
        received = b""
        while b'"dropped"' not in received:
            received += reader.recv(10**6)
        assert received.startswith(b'{"kind": "send"')


def test_a_closed_server(signal, tmp_path):
    """Its readers see the end, nothing is watched, and its file is gone."""
    server = serve_tail(tmp_path / "tail")
    with closing(connect(server.path)) as reader:
        until(lambda: is_watched(signal))
        server.close()
        server.close()
        assert not is_watched(signal)
        assert reader.recv(1) == b""
    assert not server.path.exists()
    assert repr(server).endswith(": closed>")


def test_a_server_that_cannot_start(tmp_path):
    """A server that cannot start leaves no file for readers."""
    with no_free_descriptor(after=1), pytest.raises(OSError, match="Too many open files"):
        serve_tail(tmp_path / "tail")
    assert list((tmp_path / "tail").iterdir()) == []


def test_the_last_events_arrive(signal, tmp_path):
    """Also those just before the end."""
    server = serve_tail(tmp_path / "tail")
    with closing(connect(server.path)) as reader:
        until(lambda: is_watched(signal))
        for _ in range(3):
            signal.send(None)
        server.close()
        received = b"".join(iter(lambda: reader.recv(10**6), b""))
    assert received.count(b"\n") == 3


def test_a_port_asks_for_the_secret(signal, tmp_path, monkeypatch):
    """A connection without it is closed."""
    monkeypatch.setattr(places, "HAS_UNIX", False)
    with serve_tail(tmp_path / "tail") as server:
        with closing(connect(server.path)) as good:
            until(lambda: is_watched(signal))
            signal.send(None)
            assert good.recv(1000).startswith(b'{"kind": "send"')
        until(lambda: not is_watched(signal))
        server.path.write_text(server.path.read_text().replace('"secret": "', '"secret": "0'))
        with closing(connect(server.path)) as bad:
            assert bad.recv(1000) == b""
        assert not is_watched(signal)


FORKED = """
import os, sys, warnings
from pathlib import Path
from clarion import Signal
from clarion.tail import serve_tail
from tests.tail.conftest import is_watched, reading, until

warnings.simplefilter("ignore")  # Python warns of a fork beside the server's thread
folder = Path(sys.argv[1])
signal = Signal(name="shop.paid")
server = serve_tail(folder)
with reading(folder) as read:
    until(lambda: is_watched(signal))
    if (child := os.fork()) == 0:
        assert "0 readers" in repr(server), server
        until(lambda: is_watched(signal))

        @signal.connect
        def of_the_child(sender, **kwargs): ...

        signal.send(None)
        until(lambda: not is_watched(signal))
        os._exit(0)
    signal.send(None)
    assert [each["pid"] for each in read(1)] == [os.getpid()]
    until(lambda: len(list(folder.glob("*.sock"))) == 2)
    with reading(folder) as both:
        (event,) = both(1)
        assert event["pid"] == child, event
        assert event["calls"][0]["receiver"] == "__main__.of_the_child", event
    assert os.waitpid(child, 0)[1] == 0
print("done")
"""


def test_the_child_of_a_fork_serves_too(tmp_path):
    """By a socket of its own, without the readers of its parent."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path / "tail")],
        env={"PYTHONPATH": f"{SRC}:{SRC.parent}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
    assert [path.suffix for path in (tmp_path / "tail").iterdir()] == [".sock"]  # of the child


def test_no_free_descriptor(signal, server, monkeypatch, caplog):
    """The server does not spin, logs it once, and accepts the reader later."""
    looks = []
    select = server._selector.select

    def counted(timeout=None):
        looks.append(timeout)
        return select(timeout)

    monkeypatch.setattr(server._selector, "select", counted)
    monkeypatch.setattr(server_module, "RETRY", 0.05)
    with closing(socket.socket(socket.AF_UNIX)) as reader:
        with no_free_descriptor():
            reader.connect(str(server.path))
            until(lambda: len(looks) > 4)
            assert (None, None) not in pairwise(looks)  # after each failure it waits
        until(lambda: is_watched(signal))
        signal.send(None)
        assert reader.recv(1000).startswith(b'{"kind": "send"')
    messages = [each.getMessage() for each in caplog.records]
    assert messages == ["A reader cannot connect: [Errno 24] Too many open files"]
