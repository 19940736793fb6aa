"""Run the whole suite on the CPython of Debian's next release, in a chroot.

debootstrap makes the chroot in build/next/SUITE the first time. Each run copies the checkout
into it, and runs `make quick` there, compiled and in pure Python, then the tests of the wheel
and `make instructions`. A chroot shares the network, so the tests reach this machine's servers.
If this machine cannot make a chroot, the reason is printed and the exit status is 0. To make
the chroot again, delete its folder.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "next"
PACKAGES = "ca-certificates,gcc,libc6-dev,make,python3-dev,python3-venv,tzdata,valgrind"
# How this machine reaches a package index. A path is in the chroot what it is outside.
NETWORK = ("etc/hosts", "etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt")
# The mounts are private to this process, so they end with it.
ENTER = """
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
exec chroot "$0" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
"""
# Variables with a meaning in the chroot; most others name files outside.
KEPT = re.compile(r"CI$|PATH$|PIP_|SSL_|CLARION_(?!PURE|TWINS)|.*_proxy$", re.IGNORECASE)
BASELINE = Path("benchmarks/instructions.json")


def find_obstacle() -> str:
    """Return why this machine cannot make a chroot, or the empty text."""
    if os.geteuid():
        return "only root can make a chroot"
    if shutil.which("debootstrap") is None:
        return "debootstrap is not installed (the package has the same name)"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "this machine does not allow a process to have its own mounts"
    return ""


def make_chroot(suite: str) -> Path | None:
    """Return the chroot with the suite, made if it is missing; None if that fails."""
    folder, stamp = BUILD / suite, BUILD / f"{suite}.packages"
    if not folder.exists() or not stamp.exists() or stamp.read_text() != PACKAGES:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        BUILD.mkdir(parents=True, exist_ok=True)
        options = "--variant=minbase", f"--include={PACKAGES}"
        if subprocess.run(["debootstrap", *options, suite, folder], check=False).returncode:
            return None
        stamp.write_text(PACKAGES)
    return folder


def list_files() -> Iterator[Path]:
    """Yield the files of the checkout, without those that git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # git lists deleted files too
            yield Path(name)


def copy_checkout(files: Iterable[Path], target: Path) -> None:
    """Replace the copy of the checkout; its environments stay, and get Clarion again."""
    for old in target.glob("*"):
        if old.name != ".venvs":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for stamp in target.glob(".venvs/*/ready"):
        stamp.unlink()
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target / file)


def copy_network(chroot: Path) -> None:
    """Copy the settings with which this machine reaches a package index."""
    for name in NETWORK:
        if (source := Path("/", name)).exists():
            shutil.copy(source, chroot / name)


def run_make(chroot: Path, *arguments: str, **variables: str) -> bool:
    """Run `make` in the chroot's copy of the checkout; return whether it succeeded."""
    print("make", *arguments, *(f"{name}={value}" for name, value in variables.items()), flush=True)
    kept = {name: value for name, value in os.environ.items() if KEPT.match(name)}
    command: list[str | Path] = ["unshare", "--mount", "sh", "-c", ENTER, chroot]
    command += ["make", "-C", "/clarion", "--no-print-directory", *arguments]
    return not subprocess.run(command, env=kept | variables, check=False).returncode


def run_all(chroot: Path, pytest: list[str], *, write: bool) -> bool:
    """Run the suite, or a part of it, and count the instructions; return whether all is well."""
    part = f"ARGS={shlex.join(pytest)}"
    done = [run_make(chroot, "quick", part), run_make(chroot, "quick", part, CLARION_PURE="1")]
    if not pytest:
        done.append(run_make(chroot, "quick", "ARGS=-m wheel tests/tools"))
        done.append(run_make(chroot, "instructions", "ARGS=--write" if write else "ARGS="))
    if write and all(done):
        shutil.copy2(chroot / "clarion" / BASELINE, ROOT / BASELINE)
    return all(done)


def main(arguments: list[str] | None = None) -> int:
    """Run the suite on the next CPython; return 1 if anything failed there."""
    parser = argparse.ArgumentParser(description="Run the suite on Debian's next CPython.")
    parser.add_argument("--suite", default="testing", help="the release of Debian")
    parser.add_argument("--write", action="store_true", help="store a baseline of instructions")
    options, pytest = parser.parse_known_args(arguments)
    if obstacle := find_obstacle():
        print(f"The suite does not run on Debian's next CPython, because {obstacle}.")
        return 0
    chroot = make_chroot(options.suite)
    if chroot is None:
        print(f"The suite does not run, because debootstrap cannot install {options.suite}.")
        return 0
    copy_network(chroot)
    copy_checkout(list_files(), chroot / "clarion")
    return not run_all(chroot, pytest, write=options.write)


if __name__ == "__main__":
    sys.exit(main())
