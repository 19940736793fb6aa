"""Interpreters beside each other in one process, each with a lock of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import clarion
from clarion._core import compiled

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="interpreters shared their lock before"
)

# Ways of having another interpreter; the modules are private, and called otherwise each year.
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

# In 3.12 an interpreter with a lock of its own crashes if it imports asyncio, without us too.
if sys.version_info >= (3, 13):
    SEND += AWAIT


def outcome(code, rounds=1000):
    """Run code in a process that has other interpreters; return what it prints."""
    send = SEND.replace("ROUNDS", str(rounds))
    # What measures the coverage cannot be loaded beside itself.
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
    """Leave it to the interpreters, which have the one or the other."""


def test_signals_are_sent_in_another_interpreter():
    """The compiled sends are in use there too, and do all that they do here."""
    code = """
        other = create()
        SEND += "from clarion._core import compiled\\nprint(compiled.reason or 'compiled', flush=True)"
        run(other, SEND)
        exec(SEND)
        interpreters.destroy(other)
    """
    assert outcome(code) == [compiled.reason or "compiled"] * 2


def test_interpreters_send_at_once():
    """None waits for another's lock, and none sees what is another's."""
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


def test_interpreters_come_and_go():
    """What one had is gone with it, and the others send on."""
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
