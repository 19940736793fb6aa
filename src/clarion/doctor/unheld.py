"""Objects that connect a method of their own, and that nothing holds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from clarion.doctor.source import makes_new

if TYPE_CHECKING:
    from clarion.doctor.source import Connect, Source


def unheld_object(source: Source, connect: Connect, holder: str) -> tuple[str, int] | None:
    """Return the class and the line of an object that connects a method of its own, and dies at once.

    Its `__init__` connects the method, and stores the object nowhere. A statement of the file creates the
    object, and does not use it. An object whose class has a base is left out, because the base may hold it, as
    that of a window does.

    Args:
        source: the file that contains the connect.
        connect: the connect of a method.
        holder: the name of the object whose method it is.
    """
    found = _class_of(source, connect.scope)
    if connect.scope is None or found is None or found[1] != holder:
        return None
    node, own = found
    kind: Any = source.lookup(node)
    if not makes_new(kind) or kind.__bases__ != (object,):
        return None
    if _is_given_away(source, connect.scope, own):
        return None
    lines = (
        each.lineno
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Expr)
        and isinstance(each.value, ast.Call)
        and source.lookup(each.value.func) is kind
    )
    line = next(lines, None)
    return None if line is None else (kind.__name__, line)


def _class_of(source: Source, function: ast.AST | None) -> tuple[ast.Name, str] | None:
    """Return the name of the class whose `__init__` a function is, and the name of its first parameter."""
    for each in source.tree.body:
        if isinstance(each, ast.ClassDef) and function in each.body and not each.decorator_list:
            name = getattr(function, "name", None)
            given = getattr(function, "args", None)
            if name == "__init__" and isinstance(given, ast.arguments) and given.args:
                return ast.Name(each.name), given.args[0].arg
    return None


def _is_given_away(source: Source, function: ast.AST, own: str) -> bool:
    """Return whether a function does more with its object than to set attributes and connect methods."""
    uses = sum(isinstance(each, ast.Name) and each.id == own for each in ast.walk(function))
    known = sum(
        isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == own
        for each in ast.walk(function)
    )
    receivers = [each.receiver for each in source.connects if each.scope is function]
    known += sum(
        isinstance(each, ast.Attribute)
        and isinstance(each.value, ast.Name)
        and each.value.id == own
        for each in receivers
    )
    return uses > known
