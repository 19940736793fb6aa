"""The options of a durable delivery, checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from clarion._core.names import keyword_names, value_name
from clarion.envelope.receiver_names import check_name
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from clarion.outbox.via import Via

    Key = str | Sequence[str] | Callable[..., Hashable]
    Backoff = float | Callable[[int], float | timedelta]

SAME_DATABASE = "same database"
LONGEST_DELAY = 366 * 24 * 3600.0  # seconds

_OF_THE_ENGINE = ("retries", "timeout", "dead")

_CHOICES = {
    "missing": ("skip", "fail", "snapshot"),
    "dead": ("block", "pass"),
    "effects": (None, SAME_DATABASE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the deliveries to a receiver are stored and made: see `Durable`.

    Raises:
        ArgumentError: if an option does not accept its value.
    """

    key: Key | None = None
    delay: float = 0.0
    retries: int = 8
    backoff: Backoff = 1.0
    timeout: float | None = None
    missing: str = "skip"
    dead: str = "block"
    effects: str | None = None
    name: str | None = None
    aliases: tuple[str, ...] = ()
    database: str | None = None
    via: Via | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                shown = " or ".join(f"'{each}'" for each in choices if each is not None)
                raise _refusal(name, getattr(self, name), shown)
        _check_number("delay", self.delay, least=0.0)
        if type(self.retries) is not int or self.retries < 0:
            raise _refusal("retries", self.retries, "a number of retries, 0 or more")
        if not callable(self.backoff):
            _check_number("backoff", self.backoff, least=0.0)
        if self.timeout is not None:
            _check_number("timeout", self.timeout, least=0.001)
        if type(self.database) not in {str, type(None)}:
            raise _refusal("database", self.database, "the alias of a database")
        if type(self.aliases) is not tuple:
            raise _refusal("aliases", self.aliases, "a list of the receiver's former names")
        for each in (*self.aliases, *(() if self.name is None else (self.name,))):
            check_name(each)
        if self.via is not None:
            self._check_via()

    def _check_via(self) -> None:
        via: object = self.via
        if isinstance(via, type) or not hasattr(via, "hand_over"):
            raise _refusal("via", self.via, "a delivery to an engine, such as CeleryDelivery(app)")
        if taken := [name for name in _OF_THE_ENGINE if name in self.given()]:
            raise ArgumentError(
                f"durable(via=...) was given {keyword_names(taken)}. After the hand-over the engine decides "
                f"this, so give the option to the engine, such as via=celery(retries=5).",
                taken,
            )

    def given(self) -> dict[str, Any]:
        """Return the options that differ from their defaults."""
        return {
            name: getattr(self, name)
            for name, field in self.__dataclass_fields__.items()
            if getattr(self, name) != field.default
        }


def options_of(**given: Any) -> Options:
    """Return checked options, in the types that `plain` returns."""
    return Options(**plain(given))


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with aliases as a tuple, because options are compared, and durations in seconds."""
    found = dict(given)
    if isinstance(found.get("aliases"), list):
        found["aliases"] = tuple(found["aliases"])
    for name in ("delay", "backoff", "timeout"):
        if isinstance(found.get(name), timedelta):
            found[name] = found[name].total_seconds()
    return found


def _check_number(name: str, value: object, *, least: float) -> None:
    is_number = type(value) in {int, float}
    if not is_number or not isfinite(value) or not least <= value <= LONGEST_DELAY:  # type: ignore[operator, arg-type]  # a number
        raise _refusal(name, value, f"a number of seconds, {least:g} to {LONGEST_DELAY:.0f}")


def _refusal(name: str, value: object, wanted: str) -> ArgumentError:
    return ArgumentError(f"durable() was given {name}={value_name(value)}. Give {wanted}.", [name])
