"""The environments: one for each suite, with the source distribution that has its tests.

Source distributions come from the package index, through pip. Nothing in them is changed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "downstream"
INSIDE = Path(__file__).with_name("inside")


@dataclass(frozen=True)
class Environment:
    """One Python, with one suite and what it needs.

    Args:
        name: the name of its files.
        minor: the minor version of its Python.
        base: the Python that creates it.
    """

    name: str
    minor: int
    base: Path

    @property
    def folder(self) -> Path:
        """The folder of the environment."""
        return ROOT / ".venvs" / f"downstream-{self.name}"

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / "bin" / "python"

    def pip(self, *arguments: str | Path) -> None:
        """Run the environment's pip, quietly unless it fails."""
        command = [self.python, "-m", "pip", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{done.args}\n{done.stdout}{done.stderr}")

    def download(self, requirement: str) -> Path:
        """Download a source distribution, unless it is there; return the archive."""
        folder = BUILD / "sdists" / re.sub(r"[^\w.]+", "-", requirement)
        if not any(folder.glob("*.tar.gz")):
            name = re.split(r"[=~<>\[]", requirement)[0]
            self.pip("download", "--dest", folder, "--no-deps", f"--no-binary={name}", requirement)
        return next(folder.glob("*.tar.gz"))

    def prepare(
        self, requirement: str, needs: Callable[[Path], Iterable[str | Path]], key: str = ""
    ) -> Path:
        """Build the environment if it is outdated; return the unpacked source distribution.

        Args:
            requirement: the source distribution with the tests.
            needs: returns what pip installs beside Clarion, for the unpacked source.
            key: a change of this text makes the environment outdated.
        """
        stamp = self.folder / f"{digest(self.base, requirement, key)}-built"
        unpacked = BUILD / self.name
        if not stamp.exists() or not unpacked.exists():
            print(f"{self.name}: building the environment", flush=True)
            subprocess.run([self.base, "-m", "venv", "--clear", self.folder], check=True)
            shutil.rmtree(unpacked, ignore_errors=True)
            with tarfile.open(self.download(requirement)) as archive:
                archive.extractall(unpacked, filter="data")
            # Most modules of an environment are never imported.
            self.pip("install", "--no-compile", *needs(only_folder(unpacked)), "--editable", ROOT)
            stamp.touch()
        return only_folder(unpacked)


def only_folder(unpacked: Path) -> Path:
    """Return the folder that every source distribution consists of."""
    return next(path for path in unpacked.iterdir() if path.is_dir())


def digest(base: Path, *keys: str) -> str:
    """Return a digest of everything on which an environment depends."""
    files = [*ROOT.glob("*.toml"), *ROOT.glob("setup.py"), *ROOT.glob("src/**/*.[ch]")]
    content = [path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join([*content, bytes(base), *map(str.encode, keys)])).hexdigest()


def clean_environ(**extra: str) -> dict[str, str]:
    """Return the environment variables of a run, without those that would change its tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match("PYTHON|DJANGO|COVERAGE|CLARION|PYTEST|TEST_|DB_|DATABASE", name)
    }
    return kept | extra
