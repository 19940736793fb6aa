"""The options of a delivery to an engine, checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from clarion._core.names import keyword_names, value_name
from clarion.commit.outside import check_outside
from clarion.envelope.receiver_names import check_name
from clarion.errors import ArgumentError
from clarion.outbox.options import LONGEST_DELAY, SAME_DATABASE, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from clarion.outbox.options import Key

_OURS = frozenset(
    {"retries", "delay", "effects", "key", "name", "aliases", "missing", "outside", "using"}
)
_KINDS: dict[type, str] = {str: "text", int: "an int"}
_PLAIN = {bool, bytes, float, int, str, type(None)}
_MISSING = ("skip", "fail", "snapshot")

ELSEWHERE = {
    "retry": "retries",
    "max_retries": "retries",
    "attempts": "retries",
    "max_attempts": "retries",
    "countdown": "delay",
    "eta": "delay",
    "run_after": "delay",
    "schedule_in": "delay",
}
"""What engines call `retries` and `delay`. In some engines, such a name means something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How a receiver is handed to an engine: see `EngineDelivery`.

    Attributes:
        engine: the options that go to the engine as they are.

    Raises:
        ArgumentError: if an option does not accept its value.
    """

    retries: int | None = None
    delay: float = 0.0
    key: Key | None = None
    name: str | None = None
    aliases: tuple[str, ...] = ()
    missing: str = "skip"
    outside: str | None = None
    using: str | None = None
    engine: Mapping[str, Any] = field(default_factory=dict[str, Any])
    effects: str | None = None

    def __post_init__(self) -> None:
        if self.retries is not None and (type(self.retries) is not int or self.retries < 0):
            raise _refusal("retries", self.retries, "a number of retries, 0 or more")
        if type(self.delay) not in {int, float} or not 0 <= self.delay <= LONGEST_DELAY:
            raise _refusal("delay", self.delay, f"a number of seconds, 0 to {LONGEST_DELAY:.0f}")
        if self.missing not in _MISSING:
            raise _refusal("missing", self.missing, "'skip', 'fail' or 'snapshot'")
        if self.effects not in {None, SAME_DATABASE}:
            raise _refusal("effects", self.effects, f"'{SAME_DATABASE}'")
        if type(self.using) not in {str, type(None)}:
            raise _refusal("using", self.using, "the alias of a database")
        if type(self.aliases) is not tuple:
            raise _refusal("aliases", self.aliases, "a list of the receiver's former names")
        if self.outside is not None:
            check_outside(self.outside)
        for each in (*self.aliases, *(() if self.name is None else (self.name,))):
            check_name(each)

    def changed(self, given: Mapping[str, Any]) -> CallOptions:
        """Return these options with others added: ours by their names, the rest for the engine."""
        ours = plain({name: value for name, value in given.items() if name in _OURS})
        others = {name: value for name, value in given.items() if name not in _OURS}
        return replace(self, **ours, engine={**self.engine, **others})

    def plain_values(self) -> dict[str, object]:
        """Return the options for the engine whose values can be compared, such as text."""
        # Those of other types may be new objects each time that a module is imported.
        return {name: value for name, value in self.engine.items() if type(value) in _PLAIN}

    def given(self) -> dict[str, Any]:
        """Return our options that differ from their defaults."""
        defaults = CallOptions()
        return {
            name: getattr(self, name)
            for name in sorted(_OURS)
            if getattr(self, name) != getattr(defaults, name)
        }


def check_engine_options(
    engine: str,
    given: Mapping[str, Any],
    known: Collection[str],
    instead: Mapping[str, str] | None = None,
) -> None:
    """Refuse options that an engine does not have.

    Args:
        engine: the name of the engine.
        given: the options.
        known: the names of the options that it has.
        instead: for options that a delivery does not take, what to do, as a sentence without its period.

    Raises:
        ArgumentError: if the engine lacks an option, or a delivery does not take it.
    """
    instead = instead or {}
    if unknown := given.keys() - {*known} - instead.keys():
        cure = f"It has {keyword_names(known)}" if known else "Leave it out"
        if meant := {own for name in unknown if (own := _meant(name)) is not None}:
            cure = f"Clarion's own option is {keyword_names(meant)}"
        raise ArgumentError(
            f"{engine} has no option {keyword_names(unknown)}. {cure}.", sorted(unknown)
        )
    for name in sorted(given.keys() & instead.keys()):
        raise ArgumentError(f"{engine} was given {name}=. {instead[name]}.", [name])


def check_numbers(engine: str, given: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse an option of an engine that takes a number, and has another value.

    Args:
        engine: the name of the engine.
        given: the options.
        names: the names of those that take a number, or None.

    Raises:
        ArgumentError: if one has another value.
    """
    for name in sorted(given.keys() & {*names}):
        value = given[name]
        if value is not None and not isinstance(value, (int, float)):
            raise ArgumentError(
                f"{engine} was given {name}={value_name(value)}. Give a number.", [name]
            )


def check_age(engine: str, name: str, age: object, delay: float, unit: float = 1.0) -> None:
    """Refuse a time after which a call is dropped, if that comes before its first run.

    Args:
        engine: the name of the engine.
        name: the name of the option.
        age: its value. Only a number and a `timedelta` are compared.
        delay: how long the call waits at least, in seconds.
        unit: the unit of a number, in seconds.

    Raises:
        ArgumentError: if no call would run.
    """
    if isinstance(age, timedelta):
        seconds = age.total_seconds()
    elif isinstance(age, (int, float)):
        seconds = age * unit
    else:
        return
    if seconds <= delay:
        raise ArgumentError(
            f"{engine} was given {name}={value_name(age)}, which ends before a call may run. Give a time that is "
            f"longer than {'delay=' if delay else '0'}.",
            [name],
        )


def check_kinds(engine: str, given: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Refuse an option of an engine whose value has another type, except None.

    Args:
        engine: the name of the engine.
        given: the options.
        kinds: the types, by the names of the options.

    Raises:
        ArgumentError: if one has another type.
    """
    for name in sorted(given.keys() & kinds.keys()):
        value = given[name]
        if value is not None and not isinstance(value, kinds[name]):
            wanted = _KINDS.get(kinds[name], f"a {kinds[name].__name__.lower()}")
            raise ArgumentError(
                f"{engine} was given {name}={value_name(value)}. Give {wanted}.", [name]
            )


def _meant(name: str) -> str | None:
    """Return the option of ours that a name is meant for, or None."""
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    return next(iter(get_close_matches(name.casefold(), _OURS, 1, 0.75)), None)


def _refusal(name: str, value: object, wanted: str) -> ArgumentError:
    return ArgumentError(
        f"A delivery to an engine was given {name}={value_name(value)}. Give {wanted}.", [name]
    )
