"""The settings of a worker, checked."""

from __future__ import annotations

from clarion._core.names import value_name
from clarion.errors import ArgumentError

_LEAST = {"concurrency": 1, "batch": 1, "lease": 0.1, "poll": 0.001, "grace": 0.0}
_WHOLE = {"concurrency", "batch"}


def check_settings(**settings: float) -> None:
    """Refuse settings with which a worker could not run.

    Raises:
        ArgumentError: if one is too small, or no number.
    """
    for name, value in settings.items():
        accepted = {int} if name in _WHOLE else {int, float}
        if type(value) not in accepted or not value >= _LEAST[name]:
            unit = "a whole number" if name in _WHOLE else "a number of seconds"
            raise ArgumentError(
                f"A worker was given {name}={value_name(value)}. Give {unit}, {_LEAST[name]:g} or more.",
                [name],
            )
