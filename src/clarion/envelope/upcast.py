"""Upcasters: functions that convert the payload of one version of a signal to the next.

    @upcast(order_paid, version=1)
    def add_currency(payload):
        return {**payload, "currency": "EUR"}

The version of a signal is one more than the version of its last upcaster. Without upcasters it is
1. A send is stored with its version. A worker applies the upcasters from the stored version on. A
send whose version is newer than the worker's waits for a newer worker.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from clarion._core.checks import check_signal
from clarion._core.names import described, signal_name, value_name
from clarion._core.tabled import table_of
from clarion.envelope import plain
from clarion.envelope.definitions import definition_of, may_replace
from clarion.errors import ArgumentError, DecodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clarion._core.signal import Signal
    from clarion._core.table import Table
    from clarion.typing import AnySignal

    Payload = dict[str, Any]
    Upcaster = Callable[[Payload], Payload]

# By table, because a signal may be unhashable.
_upcasters: WeakKeyDictionary[Table, list[Upcaster]] = WeakKeyDictionary()


class NewerVersionError(DecodingError):
    """The stored version is newer than any that this program knows."""


def upcast(signal: AnySignal, *, version: int) -> Callable[[Upcaster], Upcaster]:
    """Register a function that converts a payload to the next version.

    Args:
        signal: the signal.
        version: the version that the function takes. The first version is 1. No version may be
            left out.

    Returns:
        A decorator for the function. The function is called with the stored keywords, as
        JSON, and returns the keywords of version + 1. A module that is loaded again replaces its
        functions.

    Raises:
        ArgumentError: if the version is not the next one.
    """
    checked = check_signal(signal)

    def register(function: Upcaster) -> Upcaster:
        upcasters = _upcasters.setdefault(table_of(checked), [])
        following = len(upcasters) + 1
        is_number = type(version) is int
        if is_number and 0 < version < following:
            if may_replace(definition_of(function), definition_of(upcasters[version - 1])):
                upcasters[version - 1] = function
                return function
        elif is_number and version == following:
            upcasters.append(function)
            return function
        given = version if is_number else value_name(version)
        raise ArgumentError(
            f"The next upcaster of signal {signal_name(checked)} is that of version "
            f"{following}, and version={given} was given. "
            f"Register one for each version, in order.",
            ["version"],
        )

    return register


def upcasters_of(signal: Signal) -> Sequence[Upcaster]:
    """Return the upcasters of a signal, in order; the list grows with those registered later."""
    return _upcasters.setdefault(table_of(signal), [])


def version_of(signal: Signal) -> int:
    """Return the version with which sends of a signal are stored."""
    return len(_upcasters.get(table_of(signal), ())) + 1


def upcasted(signal: Signal, version: int, payload: Payload) -> Payload:
    """Return a stored payload, converted to the current version.

    Raises:
        NewerVersionError: if its version is newer.
        DecodingError: if an upcaster does not return keywords.
        Exception: what an upcaster raises.
    """
    current = version_of(signal)
    if version > current:
        raise NewerVersionError(
            f"A stored send of signal {signal_name(signal)} has version {version}, and this program "
            f"knows versions up to {current}. It waits for a worker with the newer program.",
            signal_name(signal),
        )
    for upcaster in _upcasters.get(table_of(signal), [])[version - 1 :]:
        payload = _called(signal, upcaster, payload)
    return payload


def dump_upcasted(signal: Signal, values: Payload) -> bytes:
    """Return the values of upcasters as JSON, for a decoder.

    Raises:
        DecodingError: if they are no JSON.
    """
    try:
        return plain.dump(values)
    except (TypeError, ValueError, RecursionError):
        problem: Any = plain.dump_members(values)
    raise DecodingError(
        f"An upcaster of signal {signal_name(signal)} returned a payload in which {problem.path} "
        f"{problem.reason}. Return values as the payload has them, such as a text for a Decimal.",
        signal_name(signal),
    )


def _called(signal: Signal, upcaster: Upcaster, payload: Payload) -> Payload:
    try:
        returned: Any = upcaster(payload)
    except Exception as error:
        with suppress(Exception):  # some errors accept no note
            error.add_note(f"Raised by the upcaster {described(upcaster)} of a stored send.")
        raise
    shown = value_name(returned)
    if type(returned) is dict:
        keywords = cast("Payload", returned)
        if all(type(name) is str for name in keywords):
            return keywords
    raise DecodingError(
        f"The upcaster {described(upcaster)} of signal {signal_name(signal)} returned "
        f"{shown}. Return a dictionary with the keywords of the next version.",
        signal_name(signal),
    )
