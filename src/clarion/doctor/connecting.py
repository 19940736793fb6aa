"""Which signals an expression of a source file connects a receiver to.

It may be `signal.connect`, a variable or a `partial` of it, or `receiver(signal)`.
"""

from __future__ import annotations

import ast
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from clarion._core.registry import is_signal
from clarion.doctor.scopes import assigns, parameters, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clarion._core.signal import Signal

# The modules in which the decorators `receiver` are defined, of Clarion and of Django.
_DECORATORS = {"clarion._core.receiver", "django.dispatch.dispatcher"}

_DEPTH = 5  # variables that are followed from one to the next


class Names(Protocol):
    """A source file, and what its names mean."""

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        ...

    def lookup(self, node: ast.AST) -> object:
        """Return the object that a dotted name means; None if it is not imported."""
        ...


class Connecting(NamedTuple):
    """What an expression connects a receiver to.

    Attributes:
        signals: the signals; none if the expression connects nothing.
        keywords: the options that a `partial` has given already.
    """

    signals: tuple[Signal, ...] = ()
    keywords: tuple[ast.keyword, ...] = ()


def connecting(file: Names, called: ast.expr, scope: ast.AST | None, depth: int = 0) -> Connecting:
    """Return the signals whose `connect` is called, also by a name or a `partial` of it."""
    nothing = Connecting()
    if depth > _DEPTH:
        return nothing
    if isinstance(called, ast.Attribute):
        return (
            Connecting(_signals(file, [called.value], scope))
            if called.attr == "connect"
            else nothing
        )
    if isinstance(called, ast.Call):
        return _connecting_of_call(file, called, scope, depth)
    if not isinstance(called, ast.Name) or called.id in parameters(scope):
        return nothing
    values = values_of(called.id, scope, file.tree)
    found = [connecting(file, each, scope, depth + 1) for each in values]
    if known := [each for each in found if each.signals]:
        return known[0]
    return nothing if assigns(scope, called.id) else _connecting_of_object(file, called)


def _connecting_of_call(
    file: Names, call: ast.Call, scope: ast.AST | None, depth: int
) -> Connecting:
    """Return what `partial(signal.connect, ...)` or `receiver(signal)` connects to."""
    if is_receiver(file, call.func):
        return Connecting(signals_given_to(file, call, scope), tuple(call.keywords))
    if file.lookup(call.func) is not partial or not call.args:
        return Connecting()
    found = connecting(file, call.args[0], scope, depth + 1)
    return Connecting(found.signals, (*found.keywords, *call.keywords))


def _connecting_of_object(file: Names, name: ast.Name) -> Connecting:
    """Return what an object that the program has imported connects to."""
    found: Any = file.lookup(name)
    keywords: tuple[ast.keyword, ...] = ()
    while type(found) is partial:
        # The options of an object are no literals of this file.
        keywords += tuple(ast.keyword(each, name) for each in found.keywords)
        found = found.func
    if type(found) is not MethodType or found.__name__ != "connect":
        return Connecting()
    signal = found.__self__
    return Connecting((signal,) if is_signal(signal) else (), keywords)


def signals_given_to(file: Names, call: ast.Call, scope: ast.AST | None) -> tuple[Signal, ...]:
    """Return the signals that the decorator `receiver` is given."""
    given = [
        *call.args[:1],
        *(each.value for each in call.keywords if each.arg == "signal"),
    ]
    listed = [each for node in given for each in (getattr(node, "elts", None) or [node])]
    return _signals(file, listed, scope)


def is_receiver(file: Names, node: ast.expr) -> bool:
    """Return whether an expression means the decorator `receiver`, of Clarion or Django."""
    found = file.lookup(node)
    if type(found) is not FunctionType:
        return False
    return found.__name__ == "receiver" and found.__module__ in _DECORATORS


def _signals(
    file: Names, nodes: Iterable[ast.expr], scope: ast.AST | None, depth: int = 0
) -> tuple[Signal, ...]:
    """Return the signals that expressions mean, also by a variable of the file."""
    found: list[Signal] = []
    for node in nodes:
        if not isinstance(node, ast.Name):
            known = file.lookup(node)
            found += [known] if is_signal(known) else []
        elif node.id not in parameters(scope) and depth <= _DEPTH:
            values = values_of(node.id, scope, file.tree)
            of_values = _signals(file, values, scope, depth + 1)
            known = None if of_values or assigns(scope, node.id) else file.lookup(node)
            found += of_values or ([known] if is_signal(known) else [])
    return tuple(dict.fromkeys(found))
