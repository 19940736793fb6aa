"""Third-party suites that lean on signals, each from its source distribution."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from downstream.environments import Environment
from downstream.suite import Suite

MODES = ("plain", "app")
SETTINGS = Path(__file__).with_name("settings")


def prepare(
    table: dict[str, Any], names: Iterable[str], minor: int, python: Path
) -> Iterator[Suite]:
    """Prepare the environment of each suite when it is asked for; yield the suites."""
    for name in names:
        data = table["suites"][name]
        environment = Environment(f"{name}-py3.{minor}", minor, python)

        def needs(source: Path, data: dict[str, Any] = data) -> list[str | Path]:
            extras = data.get("extras")
            return [f"{source}[{extras}]" if extras else source, *data.get("needs", [])]

        source = environment.prepare(data["source"], needs, key=repr(data))
        yield Suite(
            name=name,
            release=data["source"].rpartition("=")[2],
            environment=environment,
            folder=source / data.get("folder", "."),
            command=tuple(data["run"]),
            modes=tuple(data.get("modes", MODES)),
            environ={
                variable: text.format(settings=SETTINGS)
                for variable, text in data.get("environ", {}).items()
            },
            known=data.get("known", {}),
        )
