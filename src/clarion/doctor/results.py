"""Receivers that a call returns, and that nothing holds."""

from __future__ import annotations

import ast
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from clarion._core.tabled import table_of

if TYPE_CHECKING:
    from clarion._core.signal import Signal
    from clarion.doctor.source import Source


def dead_result(source: Source, signal: Signal, call: ast.Call) -> str | None:
    """Return the name of a receiver that a call has returned to `connect`, if it has died; None for any other.

    These are a `partial`, and a function that is local in a function of the same file, which does nothing
    but return it. The result of another call may be held by what was called.

    Args:
        source: the file that contains the connect.
        signal: the signal, which holds the receiver weakly.
        call: the call that returns the receiver.
    """
    called: Any = source.lookup(call.func)
    if called is partial:
        return _dead_partial(source, signal, call)
    if type(called) is not FunctionType or called.__module__ != source.name:
        return None
    inner = _only_returned(source, called.__name__)
    if inner is None:
        return None
    line = min([inner.lineno, *(each.lineno for each in inner.decorator_list)])
    places = [each.place for each in table_of(signal).registrations()]
    return None if (source.file, line) in places else f"{called.__name__}.{inner.name}"


def _dead_partial(source: Source, signal: Signal, call: ast.Call) -> str | None:
    function: Any = source.lookup(call.args[0]) if call.args else None
    name = getattr(function, "__name__", None) if type(function) is FunctionType else None
    if name is None:
        return None
    live = [each.live() for each in table_of(signal).registrations()]
    is_live = any(isinstance(each, partial) and each.func is function for each in live)
    return None if is_live else f"partial({name})"


def _only_returned(source: Source, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the local function that a function of the file makes, if it only returns it."""
    outer = [
        each for each in source.tree.body if isinstance(each, ast.FunctionDef) and each.name == name
    ]
    if len(outer) != 1 or outer[0].decorator_list:
        return None
    made = [
        each for each in outer[0].body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    last = outer[0].body[-1]
    if len(made) != 1 or made[0].decorator_list or not isinstance(last, ast.Return):
        return None
    uses = [
        each
        for each in ast.walk(outer[0])
        if isinstance(each, ast.Name) and each.id == made[0].name
    ]
    return made[0] if uses == [last.value] else None
