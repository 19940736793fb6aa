"""Run programs in processes that have loaded the packages of others already.

`python -m clarion` needs 0.8 s of CPU, and 0.6 s of them load Typer, Rich and pydantic. A warm
interpreter loads these once, and forks for each program. It never loads Clarion, so that every
program does. A program has its own directory, environment, streams and exit code, and ends as an
interpreter does.
"""

import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from runpy import run_module
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]


class WarmInterpreter:
    """A process that forks for each program.

    Args:
        channel: the socket on which the process receives requests.
        options: the options of its interpreter.
    """

    def __init__(self, channel: socket.socket, options: tuple[str, ...]) -> None:
        self._channel = channel
        self._answers = channel.makefile("r")
        self._options = options

    def run(
        self, *arguments: str, cwd: Path, env: dict[str, str], timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a program, and return its output and exit code.

        Args:
            arguments: those of `python`: `-m`, a module and its arguments, or `-c` and a source.
            cwd: the directory in which it runs.
            env: its whole environment.
            timeout: the most seconds that it may take.

        Raises:
            TimeoutError: the program has taken longer. It is killed.
        """
        if any(name.startswith("COVERAGE_PROCESS") for name in env):
            return self._run_cold(*arguments, cwd=cwd, env=env, timeout=timeout)
        with tempfile.TemporaryDirectory() as folder:
            streams = [f"{folder}/{name}" for name in ("out", "err")]
            request = {"arguments": arguments, "cwd": str(cwd), "env": env, "streams": streams}
            self._channel.settimeout(None)
            self._channel.sendall(f"{json.dumps(request)}\n".encode())
            process = int(self._answers.readline())
            self._channel.settimeout(timeout)
            try:
                code = int(self._answers.readline())
            except TimeoutError:
                os.kill(process, 9)
                raise
            texts = [Path(stream).read_text(encoding="utf-8") for stream in streams]
        return subprocess.CompletedProcess(arguments, code, *texts)

    def close(self) -> None:
        """Close the streams of the channel; the process then ends."""
        self._answers.close()
        self._channel.shutdown(socket.SHUT_RDWR)

    def _run_cold(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        # Coverage is measured from the start of an interpreter.
        command = [sys.executable, *self._options, *arguments]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False, **options)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(str(error)) from error


@contextmanager
def warm_interpreter(*packages: str, options: tuple[str, ...] = ()) -> Iterator[WarmInterpreter]:
    """Start an interpreter that loads packages, and end it.

    Args:
        packages: modules of others, without Clarion's. A missing one is left out.
        options: options of the interpreter, such as `-W error`.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, *options, "-m", "tests.warm", str(number), *packages]
            env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
            process = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[number])
        warm = WarmInterpreter(ours, options)
        try:
            yield warm
        finally:
            warm.close()
            process.wait(timeout=30)


def serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork for each request, and return it in the new process; return None at the end."""
    with channel.makefile("r") as requests:
        for line in requests:
            process = os.fork()
            if not process:
                return dict(json.loads(line))
            channel.sendall(f"{process}\n".encode())
            _, status = os.waitpid(process, 0)
            channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return None


def become(request: dict[str, Any]) -> None:
    """Run the program of a request, with its directory, environment, streams and arguments."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    for number, stream in enumerate(request["streams"], 1):
        file = os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    kind, what, *arguments = request["arguments"]
    sys.argv[1:] = arguments
    if kind == "-m":
        sys.path[0] = str(Path.cwd())
        run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.path[0], sys.argv[0] = "", "-c"
        sys.modules["__main__"] = main = ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), vars(main))  # noqa: S102


def start(number: int, *packages: str) -> None:
    """Load packages, and run a program in each process that the requests make."""
    for package in packages:
        with suppress(ModuleNotFoundError):
            import_module(package)
    assert "clarion" not in sys.modules, "a warm interpreter would hide how Clarion is loaded"
    gc.freeze()  # the collector would walk all that is loaded, in each program, at its end
    with socket.socket(fileno=number) as channel:
        request = serve(channel)
    if request:
        become(request)


if __name__ == "__main__":
    start(int(sys.argv[1]), *sys.argv[2:])
