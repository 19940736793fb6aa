"""The folder of the sockets."""

import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Barrier

import pytest

from clarion.errors import ArgumentError
from clarion.tail import places
from clarion.tail.places import connect, files, listen, prepare


def modes(*paths):
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


def test_only_its_user_can_connect(tmp_path):
    """The folder has the mode 0700, and the socket 0600."""
    listener = listen(tmp_path / "a" / "b")
    assert listener.path.name == f"{os.getpid()}.sock"
    assert modes(listener.path.parent, listener.path) == [0o700, 0o600]
    assert [*files(listener.path.parent)] == [listener.path]
    connect(listener.path).close()
    listener.close()
    assert [*files(listener.path.parent)] == []


def test_a_folder_of_others_is_refused(tmp_path):
    """And a file in place of the folder, and a path that is too long."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "file").touch()
    for name, message in [
        ("open", "Other users could read"),
        ("file", "is no folder"),
        ("x" * 100, "is too long for a socket"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            listen(tmp_path / name)


def test_files_of_dead_processes_are_removed(tmp_path):
    """When the next process listens."""
    folder = tmp_path / "tail"
    folder.mkdir(mode=0o700)
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(folder / "1.sock"))
    (folder / "2.port").write_text("damaged")
    listener = listen(folder)
    assert [*files(folder)] == [listener.path]
    listener.close()
    assert [*files(tmp_path / "none")] == []


def test_files_of_other_programs_stay(tmp_path):
    """Whether a program listens on them or not; only numbers of processes are read."""
    (tmp_path / "tail").mkdir(mode=0o700)
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(tmp_path / "tail" / "web.sock"))
    (tmp_path / "tail" / "web.port").write_text("8000")
    listener = listen(tmp_path / "tail")
    listener.close()
    assert {each.name for each in (tmp_path / "tail").iterdir()} == {"web.sock", "web.port"}


def test_a_process_that_is_too_busy_to_answer_stays(tmp_path):
    """Its file is not removed: it is not dead."""
    folder = tmp_path / "tail"
    folder.mkdir(mode=0o700)
    path = folder / "1.sock"
    with ExitStack() as stack:
        busy = stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
        busy.bind(str(path))
        busy.listen(0)
        stack.enter_context(closing(connect(path)))
        with pytest.raises(BlockingIOError):  # its queue is full
            connect(path)
        listener = listen(folder)
        assert [*files(folder)] == sorted([path, listener.path])
        listener.close()


def test_processes_that_make_the_folder_at_the_same_time(tmp_path):
    """Each finds it made, by itself or by another one."""
    start = Barrier(4)

    def make(folder):
        start.wait()
        prepare(folder)

    with ThreadPoolExecutor(4) as pool:
        for number in range(50):
            assert [*pool.map(make, [tmp_path / str(number)] * 4)] == [None] * 4


def test_without_unix_sockets_there_is_a_port(tmp_path, monkeypatch):
    """Of this machine only, with a secret in a file of this user."""
    monkeypatch.setattr(places, "HAS_UNIX", False)
    listener = listen(tmp_path / "tail")
    assert listener.path.suffix == ".port"
    assert modes(listener.path) == [0o600]
    assert listener.socket.getsockname()[0] == "127.0.0.1"
    with closing(connect(listener.path)):
        ours, _ = listener.socket.accept()
        with closing(ours):
            assert ours.recv(1000) == listener.secret + b"\n"
    listener.close()
