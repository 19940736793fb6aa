"""Context variables that are stored with a send.

    actor: ContextVar[str | None] = ContextVar("actor", default=None)
    carry(actor)

A receiver that runs in another process then sees the value that the sender had.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from clarion._core.names import quoted_name, value_name
from clarion.envelope import trace
from clarion.envelope.plain import find_problem
from clarion.envelope.registry import Registry
from clarion.errors import ArgumentError, EncodingError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

carried: Registry[str, ContextVar[Any]] = Registry()


def carry(variable: ContextVar[Any], *, name: str | None = None) -> ContextVar[Any]:
    """Send the value of a context variable with each durable or background delivery.

    Call it once, where the variable is made, in the sender's program and in the worker's.

    Args:
        variable: the variable. Its values must be JSON.
        name: the name of the header; by default the name of the variable.

    Returns:
        The variable.

    Raises:
        ArgumentError: if it is no context variable, or the name is no text, or another one has it.
    """
    if type(variable) is not ContextVar:
        raise ArgumentError(
            f"carry() was given {value_name(variable)}. Give it a ContextVar.", ["variable"]
        )
    name = variable.name if name is None else name
    if type(name) is not str or not name or find_problem(name, "name") is not None:
        raise ArgumentError(
            f"carry() was given name={value_name(name)} as the name of a header. Give a text "
            f"of valid Unicode that is not empty.",
            ["name"],
        )
    if name in trace.HEADERS or carried.add(name, variable) is not variable:
        raise ArgumentError(
            f"carry() cannot use the name {quoted_name(name)}, which another header has. "
            f"Give carry() another name=.",
            ["name"],
        )
    return variable


def drop_carried(variable: ContextVar[Any]) -> None:
    """Stop sending a carried variable; tests use it."""
    for name in [name for name, each in carried.items() if each is variable]:
        del carried[name]


def current_headers() -> dict[str, Any]:
    """Return the headers of a send in this context.

    They are the carried variables that have a value, and the trace.

    Raises:
        EncodingError: if a variable has a value that is not JSON.
    """
    headers = _carried_values() if carried else {}
    if trace.CONTEXT in sys.modules:
        trace.inject(headers)
    return headers


def _carried_values() -> dict[str, Any]:
    headers: dict[str, Any] = {}
    for name, variable in list(carried.items()):  # another thread may declare one meanwhile
        try:
            value = variable.get()
        except LookupError:
            continue  # it has no value here
        if (problem := find_problem(value, name)) is not None:
            raise EncodingError(
                f"The context variable {quoted_name(name)} cannot be stored: {problem.path} "
                f"{problem.reason}. Set it to a value that JSON can express.",
                keyword=name,
                path=problem.path,
            )
        headers[name] = value
    return headers


@contextmanager
def restored_headers(headers: Mapping[str, Any]) -> Generator[None]:
    """Set the carried variables and the trace as they were at the send.

    A header that this program does not know is ignored, because the sender may be newer.
    """
    tokens = [
        (carried[name], carried[name].set(value))
        for name, value in headers.items()
        if name in carried
    ]
    try:
        with trace.extracted(headers):
            yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)
