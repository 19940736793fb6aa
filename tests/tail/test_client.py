"""Read the events of programs."""

import socket
import threading
import time
from contextlib import ExitStack, closing
from types import SimpleNamespace

import pytest

from clarion.errors import ArgumentError
from clarion.tail import client, read_tail, serve_tail
from clarion.tail.places import connect
from tests.tail.conftest import another_user, is_watched, no_free_descriptor, until


def send_when_watched(signal):
    until(lambda: is_watched(signal))
    signal.send(None)


def test_no_program_serves(tmp_path):
    """Without a process there is one sentence."""
    with pytest.raises(ArgumentError, match="No program serves its signals in"):
        next(read_tail(tmp_path))


@pytest.mark.parametrize("wait", [False, True])
def test_a_folder_of_another_user(tmp_path, wait):
    """A folder of another user ends the reader with that reason, even if it waits."""
    (folder := tmp_path / "tail").mkdir(mode=0)
    message = r"cannot be reached: Permission denied\. Run the command as the user of the program"
    with pytest.raises(ArgumentError, match=message), another_user():
        next(read_tail(folder, wait=wait))


def test_no_free_descriptor(server):
    """Without a free descriptor the reader names the limit, and not a missing program."""
    message = "cannot be reached: Too many open files. Raise the limit"
    with pytest.raises(ArgumentError, match=message), no_free_descriptor():
        next(read_tail(server.folder))


def test_a_file_in_place_of_the_folder(tmp_path):
    """A file in place of the folder is named as the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match=r"Not a directory\. Name the folder that"):
        next(read_tail(tmp_path / "file"))


def test_a_program_that_is_too_busy_to_answer(tmp_path, monkeypatch):
    """A busy program is not reported as missing, and with wait=True the reader tries again."""
    (folder := tmp_path / "tail").mkdir()
    with ExitStack() as stack:
        busy = stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
        busy.bind(str(folder / "1.sock"))
        busy.listen(0)
        stack.enter_context(closing(connect(folder / "1.sock")))
        with pytest.raises(ArgumentError, match="cannot be reached: Resource temporarily"):
            next(read_tail(folder))

        def answer():
            busy.accept()[0].close()
            ours = stack.enter_context(closing(busy.accept()[0]))
            ours.sendall(b'{"at": 1}\n')

        def pause(seconds):
            time.sleep(0.01) if answering.ident else answering.start()

        answering = threading.Thread(target=answer)
        pauses = SimpleNamespace(monotonic=time.monotonic, sleep=pause)
        monkeypatch.setattr(client, "time", pauses)
        with closing(read_tail(folder, wait=True)) as events:
            assert next(events) == {"at": 1}
        answering.join()


def test_the_events_end_with_the_last_process(signal, tmp_path):
    """All that was sent before has arrived."""
    with serve_tail(tmp_path / "tail") as server:
        events = read_tail(server.folder)
        thread = threading.Thread(target=send_when_watched, args=(signal,))
        thread.start()
        assert next(events)["signal"] == "tests.tail.paid"
        thread.join()
    assert list(events) == []


def test_it_waits_for_a_process(signal, tmp_path):
    """That begins to serve later."""
    servers = []

    def serve():
        servers.append(serve_tail(tmp_path / "tail"))
        send_when_watched(signal)

    thread = threading.Thread(target=serve)
    thread.start()
    events = read_tail(tmp_path / "tail", wait=True)
    assert next(events)["kind"] == "send"
    thread.join()
    events.close()
    servers[0].close()
