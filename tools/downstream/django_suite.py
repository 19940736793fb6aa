"""Django's own tests, on each pair of a Python and a Django that Clarion supports."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from downstream.environments import Environment
from downstream.suite import Suite

MODES = ("plain", "install", "app")


def find_pairs(
    table: dict[str, Any], found: dict[int, Path], django: str | None = None, *, force: bool = False
) -> list[tuple[str, int, Path]]:
    """Pair each Python with its promised Django; `force` also takes the requested one."""
    return [
        (version, minor, python)
        for version, promised in table["releases"].items()
        for minor, python in sorted(found.items())
        if django in {None, version} and (minor in promised or (force and django))
    ]


def prepare(
    table: dict[str, Any],
    pairs: Iterable[tuple[str, int, Path]],
    packages: Iterable[str],
    *,
    extras: bool,
    parallel: int = 1,
) -> Iterator[Suite]:
    """Prepare the environment of each pair when it is asked for; yield the suites.

    Args:
        table: the data of this suite.
        pairs: releases of Django, and Pythons.
        packages: the packages of tests; all of them if the list is empty.
        extras: whether the environment has the packages that some tests need.
        parallel: the number of processes.
    """
    for version, minor, python in pairs:
        kind = "" if extras else "-short"
        environment = Environment(f"django{version}-py3.{minor}{kind}", minor, python)

        def needs(source: Path, *, extras: bool = extras) -> list[str | Path]:
            lines = requirements(source, table["not_installed"]) if extras else []
            return [source, "tzdata", *lines]

        source = environment.prepare(f"Django~={version}.0", needs)
        there = [each for each in packages if (source / "tests" / each.split(".")[0]).exists()]
        options = ["--settings=test_sqlite", "--noinput", f"--parallel={parallel}"]
        yield Suite(
            name="django",
            release=source.name.rpartition("-")[2],
            environment=environment,
            folder=source / "tests",
            command=("runtests.py", *options, *there),
            modes=MODES,
            by_package=True,
        )


def requirements(source: Path, without: Iterable[str]) -> list[str]:
    """Return what Django's tests need, without the packages that need libraries in C."""
    lines = (source / "tests" / "requirements" / "py3.txt").read_text().splitlines()
    skipped = tuple(without)
    return [line for line in lines if line and not line.startswith(("#", *skipped))]
