"""Find the CPythons of this machine that Clarion supports; print one path per line.

The interpreter that runs this script comes first, then those on PATH, pyenv's and uv's.
For each minor version, the first interpreter that starts is used.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MINORS = (11, 12, 13, 14)

# `make` needs a CPython with a GIL that can build an environment. PyPy, free-threaded
# builds and Debian's Python without ensurepip print nothing.
QUESTION = """
import ensurepip, sys, sysconfig, venv
if sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print(sys.version_info.minor, sys.executable)
"""


def find_interpreters() -> list[Path]:
    """Return one interpreter per supported minor version: this one, then the oldest first."""
    return [*find_by_minor().values()]


def find_by_minor() -> dict[int, Path]:
    """Return the interpreters by minor version, in the same order."""
    found: dict[int, Path] = {}
    for candidate in candidates():
        answer = probe(candidate)
        if answer and answer[0] in MINORS:
            found.setdefault(*answer)
    return found


def candidates() -> Iterator[str]:
    """Yield every file that may be an interpreter, in order of preference."""
    yield sys.executable
    for name in (f"python3.{minor}" for minor in MINORS):
        yield from filter(None, [shutil.which(name)])
        for folder in version_folders():
            yield from sorted(map(str, folder.glob(f"*/bin/{name}")), reverse=True)


def version_folders() -> list[Path]:
    """Return the folders in which pyenv and uv keep a folder per interpreter."""
    home, environ = Path.home(), os.environ
    data = Path(environ.get("XDG_DATA_HOME", home / ".local" / "share"))
    return [
        Path(environ.get("PYENV_ROOT", home / ".pyenv")) / "versions",
        Path(environ.get("UV_PYTHON_INSTALL_DIR", data / "uv" / "python")),
    ]


def probe(candidate: str) -> tuple[int, Path] | None:
    """Start the candidate; return its minor version and path, or None if it is unsuitable."""
    # A pyenv shim may be on PATH and still fail to start.
    command = [candidate, "-I", "-c", QUESTION]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    minor, _, path = answer.stdout.strip().partition(" ")
    return (int(minor), Path(path)) if minor else None


if __name__ == "__main__":
    print(*find_interpreters(), sep="\n")
