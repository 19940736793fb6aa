"""The functions of a source file, and their own names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


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


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of the functions in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, SCOPES):
            yield node
            yield from own_nodes(node)
