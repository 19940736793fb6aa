"""The functions of a source file, and their own names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_values: WeakKeyDictionary[ast.AST, dict[str, list[Sequence[ast.expr]]]] = WeakKeyDictionary()


def parameters(function: ast.AST | None) -> set[str]:
    """Return the names of the parameters of a function, which hide those of the module."""
    given = getattr(function, "args", None)
    return (
        set()
        if not isinstance(given, ast.arguments)
        else {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    )


def assigns(function: ast.AST | None, name: str) -> bool:
    """Return whether a function has a variable of its own with a name of the module."""
    return function is not None and any(
        isinstance(each, ast.Name) and each.id == name and not isinstance(each.ctx, ast.Load)
        for each in ast.walk(function)
    )


def values_of(name: str, function: ast.AST | None, module: ast.Module) -> Sequence[ast.expr]:
    """Return the expression that a variable is set to, in the function, or else at the top of the module.

    Those of `for name in (a, b)` count, too. A variable that is set twice has none, because its value at one line is not
    known. Neither has a name that the module imports.
    """
    inside = [] if function is None else _values_in(function).get(name, [])
    found = inside or ([] if assigns(function, name) else _values_in(module).get(name, []))
    return found[0] if len(found) == 1 else ()


def _values_in(scope: ast.AST) -> dict[str, list[Sequence[ast.expr]]]:
    """Return what each variable of a function or a module is set to, in the order of the lines."""
    # A file may have thousands of receivers, and each asks for the values of its signal.
    if (known := _values.get(scope)) is None:
        known = _values[scope] = {}
        for name, values in _assigned(scope):
            known.setdefault(name, []).append(values)
    return known


def _assigned(scope: ast.AST) -> Iterator[tuple[str, Sequence[ast.expr]]]:
    for each in own_nodes(scope):
        if isinstance(each, ast.Assign):
            targets, values = each.targets, [each.value]
        elif isinstance(each, (ast.AnnAssign, ast.NamedExpr)):
            targets, values = [each.target], [each.value] if each.value else []
        elif isinstance(each, (ast.For, ast.AsyncFor)):
            targets, values = [each.target], getattr(each.iter, "elts", [])
        elif isinstance(each, ast.withitem) and each.optional_vars is not None:
            targets, values = [each.optional_vars], [each.context_expr]
        else:
            continue
        for name in {target.id for target in targets if isinstance(target, ast.Name)}:
            yield name, values


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of the functions in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, SCOPES):
            yield node
            yield from own_nodes(node)
