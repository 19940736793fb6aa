"""A terminal: a shell that runs one command after the other, as a reader types them."""

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from typing import Any

# The shell survives Ctrl+C, which its commands get. The runner of the tests may ignore the signal.
START = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("bash", ["bash", "--noprofile", "--norc"])
"""
ENDED = re.compile(rb"\nended with (\d+)\n\Z")


class Terminal:
    """A shell in a process of its own.

    Args:
        folder: the directory in which it begins.
        environ: its environment variables.
    """

    def __init__(self, folder, environ):
        shell: Any = subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=folder,
            env=environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._shell = shell
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._shell.stdout, selectors.EVENT_READ)
        self._shown = b""
        self.is_running = False
        self._write("trap : INT\n")

    def start(self, command):
        """Type a command."""
        self._write(f"{{ {command}\n}} </dev/null; printf '\\nended with %s\\n' $?\n")
        self.is_running = True

    def finish(self, timeout=300):
        """Wait until the command ends; return what it has shown, and its status."""
        self._read_until(lambda: ENDED.search(self._shown), timeout)
        end = ENDED.search(self._shown)
        assert end, f"The command has not ended, and has shown:\n{self.shown}"
        shown, self._shown, self.is_running = self._shown[: end.start()], b"", False
        return shown.decode(), int(end[1])

    def wait_for(self, is_enough, timeout=30):
        """Wait until what the command has shown is enough; return it, or all if it is not."""
        self._read_until(lambda: is_enough(self.shown), timeout)
        shown, end = self.shown, ENDED.search(self._shown)
        self._shown = end[0] if end else b""
        return shown

    @property
    def shown(self):
        """What the command has shown since the last look."""
        return ENDED.sub(b"", self._shown).decode(errors="replace")

    def interrupt(self):
        """Press Ctrl+C."""
        os.killpg(self._shell.pid, signal.SIGINT)

    def close(self):
        """Close the terminal, and kill what runs in it."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        self._selector.close()
        self._shell.stdin.close()
        self._shell.stdout.close()

    def _write(self, text):
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()

    def _read_until(self, is_enough, timeout):
        deadline = time.monotonic() + timeout
        while not is_enough():
            if not self._selector.select(max(0, deadline - time.monotonic())):
                break
            piece = os.read(self._shell.stdout.fileno(), 65536)
            if not piece:
                break
            self._shown += piece
