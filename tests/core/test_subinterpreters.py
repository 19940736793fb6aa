"""Signals in several interpreters of one process, each with its own lock."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import clarion
from clarion._core import compiled

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="interpreters share their lock before 3.12"
)

# Ways to create an interpreter; the modules are private, and renamed in each version.
BESIDE = """
import sys
import threading

if sys.version_info >= (3, 13):
    import _interpreters as interpreters

    def create():
        return interpreters.create("isolated")

    def run(interpreter, code):
        failure = interpreters.exec(interpreter, code)
        assert failure is None, failure.formatted
else:
    import _xxsubinterpreters as interpreters

    def create():
        return interpreters.create(isolated=True)

    run = interpreters.run_string
"""

SEND = """
from clarion import Signal, signal

class Listener:
    def method(self, value, **kwargs):
        return value

def failing(**kwargs):
    raise ValueError("no")

@signal
def declared(sender: object, *, value: int = 1) -> None: ...

listener = Listener()
made = Signal(name="made")
made.connect(listener.method, inline=True)
declared.connect(lambda sender, value: value)
for number in range(ROUNDS):
    assert [answer for _, answer in made.send(None, value=number)] == [number]
    assert [answer for _, answer in declared.send(None)] == [1]
    assert made.has_listeners(number)
made.connect(failing)
try:
    made.send(None, value=1)
except ValueError as error:
    (note,) = error.__notes__
    assert note.startswith("Raised by receiver __main__.failing") and note.endswith("made."), note
else:
    raise AssertionError("it did not fail")
"""

AWAIT = """
import asyncio

async def awaited(value, **kwargs):
    return value

made = Signal(name="made")
made.connect(awaited)
for number in range(ROUNDS // 100):
    assert len(made.send("web", value=number)) == 1
    responses = asyncio.run(made.asend("web", value=number))
    assert [answer for _, answer in responses] == [number]
"""

# Python 3.12 crashes when an interpreter with its own lock imports asyncio, without Clarion too.
if sys.version_info >= (3, 13):
    SEND += AWAIT


def outcome(code, rounds=1000):
    """Run code in a process with several interpreters; return its output."""
    send = SEND.replace("ROUNDS", str(rounds))
    # The coverage tool cannot be loaded in two interpreters.
    environ = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    environ["PYTHONPATH"] = str(Path(clarion.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"{BESIDE}\nSEND = {send!r}\n{textwrap.dedent(code)}"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    assert not done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.fixture(autouse=True)
def implementation():
    """Select no implementation because the interpreters start with their own."""


def test_signals_are_sent_in_another_interpreter():
    """The compiled sends are in use in another interpreter, and work the same."""
    code = """
        other = create()
        SEND += "from clarion._core import compiled\\nprint(compiled.reason or 'compiled', flush=True)"
        run(other, SEND)
        exec(SEND)
        interpreters.destroy(other)
    """
    assert outcome(code) == [compiled.reason or "compiled"] * 2


def test_interpreters_send_at_once():
    """Interpreters send at the same time, without each other's signals."""
    code = """
        others = [create() for _ in range(3)]
        threads = [threading.Thread(target=run, args=(other, SEND)) for other in others]
        for thread in threads:
            thread.start()
        exec(SEND)
        for thread in threads:
            thread.join()
        for other in others:
            interpreters.destroy(other)
        from clarion._core.registry import signals
        print(len(signals()))
    """
    assert outcome(code, rounds=5000) == ["2"]


def test_interpreters_end():
    """An interpreter takes its objects with it when it ends, and others continue."""
    code = """
        exec(SEND)
        for _ in range(10):
            other = create()
            run(other, SEND)
            interpreters.destroy(other)
            exec(SEND)
        print("done")
    """
    assert outcome(code, rounds=200) == ["done"]
