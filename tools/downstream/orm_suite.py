"""SQLAlchemy's tests of its ORM, with receivers of every signal.

The tests come from the source distribution. The package that they test is the installed one.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from downstream.environments import Environment
from downstream.suite import Suite

MODES = ("plain", "receivers")
# Its options, without the limit on the number of failures.
OPTIONS = ("-o", "addopts=--tb=short -p warnings -p logging --strict-markers", "-q")


def prepare(
    table: dict[str, Any], pairs: Iterable[tuple[str, int, Path]], tests: Iterable[str]
) -> Iterator[Suite]:
    """Prepare the environment of each pair when it is asked for; yield the suites."""
    for version, minor, python in pairs:
        environment = Environment(f"sqlalchemy{version}-py3.{minor}", minor, python)

        def needs(source: Path) -> list[str]:
            release = source.name.rpartition("-")[2]
            return [f"sqlalchemy=={release}", *table["needs"]]

        source = environment.prepare(f"SQLAlchemy~={version}.0", needs)
        yield Suite(
            name="sqlalchemy orm",
            release=source.name.rpartition("-")[2],
            environment=environment,
            folder=source,
            command=("-m", "pytest", *OPTIONS, *tests),
            modes=MODES,
            # Otherwise the suite tests the package beside it, which is not compiled.
            environ={"PYTHONNOUSERSITE": "1"},
            known=table["known"],
        )
