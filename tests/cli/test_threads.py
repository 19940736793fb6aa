"""Threads of the user's modules that would keep a command alive."""

import threading

import pytest

from clarion.cli.threads import running_threads

MODULE = """
import threading, time
from clarion import Signal

paid = Signal(name="shop.paid")
paid.connect(lambda sender, **kwargs: None, weak=False)
threading.Thread(target=time.sleep, args=(1000,), name="poller", daemon={daemon}).start()
"""


@pytest.fixture
def module(tmp_path):
    """Return a function that writes a module that starts a thread."""

    def module(*, daemon):
        (tmp_path / "polling.py").write_text(MODULE.format(daemon=daemon))

    return module


def test_a_thread_that_never_ends(command, module):
    """The command ends with its exit code, and one sentence names the thread."""
    module(daemon=False)
    done = command("ls", "polling")
    assert done.returncode == 0
    assert done.stdout.endswith("1 signal, 1 receiver.\n")
    assert done.stderr == (
        "The thread poller of the program still runs. The command ends without waiting. Start a "
        "thread in a function that the program calls, not in an import.\n"
    )
    assert command("explain", "polling", "-s", "none").returncode == 2


def test_a_daemon_is_not_named(command, module):
    """Python ends a daemon itself, so there is no sentence."""
    module(daemon=True)
    assert command("ls", "polling").stderr == ""


def test_a_pool_ends_by_itself(command, tmp_path):
    """The idle threads of an executor end when Python does, so there is no sentence."""
    (tmp_path / "pooled.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(2)\n"
        "pool.submit(print).result()\n"
        "from clarion import Signal\n"
        "paid = Signal(name='paid')\n"
        "paid.connect(lambda **kwargs: None, weak=False)\n"
    )
    done = command("ls", "pooled")
    assert (done.returncode, done.stderr) == (0, "\n")


def test_only_threads_that_python_waits_for_are_named():
    """Neither a daemon nor the main thread is named."""
    end = threading.Event()
    before = running_threads()
    threads = [
        threading.Thread(target=end.wait, name=f"daemon {daemon}\x1b", daemon=daemon)
        for daemon in (False, True)
    ]
    for each in threads:
        each.start()
    try:
        assert sorted({*running_threads()} - {*before}) == [r"daemon False\x1b"]
    finally:
        end.set()
        for each in threads:
            each.join()
