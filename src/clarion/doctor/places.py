"""Where a program connects a receiver to a sender."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from clarion._core.names import place_of
from clarion.doctor.scopes import values_of
from clarion.doctor.source import is_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion._core.signal import Signal
    from clarion.doctor.program import Program
    from clarion.doctor.source import Connect, Function, Source


def place_of_connect(
    program: Program, signal: Signal, receiver: object, sender: object
) -> tuple[str, int] | None:
    """Return the file and the line that connect a receiver to a sender.

    If the source files do not show it, they are those of the receiver; None if it is not written in Python, either.

    Args:
        program: what is examined.
        signal: the signal.
        receiver: the receiver, as it was connected.
        sender: the sender, as it was connected.
    """
    found = [
        (source, connect)
        for source in program.imported
        for connect in source.connects
        if any(each is signal for each in connect.signals)
        and is_connected_by(source, connect, receiver)
    ]
    exact = [each for each in found if _is_sender(*each, sender)]
    if not exact and len(found) != 1:
        return place_of(receiver)
    source, connect = (exact or found)[0]
    return source.file, connect.line


def is_connected_by(source: Source, connect: Connect, receiver: object) -> bool:
    """Return whether a connect in a source file is that of a receiver, as far as the file shows it."""
    node = connect.receiver
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return place_of(receiver) == (source.file, _first_line(node))
    known = source.lookup(node)
    if known is not None:
        return known == receiver  # a bound method is a new object each time
    return place_of(receiver) in {
        (source.file, _first_line(each)) for each in _named(source, connect)
    }


def _named(source: Source, connect: Connect) -> Iterator[Function]:
    """Yield the functions that a name may mean, or the methods if it is an attribute of an object."""
    node = connect.receiver
    is_method = isinstance(node, ast.Attribute)
    name = getattr(node, "attr" if is_method else "id", None)
    tree = source.tree if is_method or connect.scope is None else connect.scope
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef) is is_method:
            for each in ast.iter_child_nodes(owner):
                if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == name:
                    yield each


def _is_sender(source: Source, connect: Connect, sender: object) -> bool:
    """Return whether the expression of a connect means a sender, also by the text of its name."""
    node = connect.sender
    nodes: list[ast.expr] = [] if node is None else [node]
    if isinstance(node, ast.Name):
        nodes += values_of(node.id, connect.scope, source.tree)
    return any(_means(source, each, sender) for each in nodes)


def _means(source: Source, node: ast.expr, sender: object) -> bool:
    if not isinstance(node, ast.Constant):
        found = source.lookup(node)
        return found is not None and found is sender
    if type(sender) is type(node.value):
        return sender == node.value
    # Text names a model, as "shop.Order" or "Order".
    kind: Any = sender
    name = str(type.__getattribute__(kind, "__name__")) if is_class(sender) else None
    return name is not None and str(node.value).rpartition(".")[2].lower() == name.lower()


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    """Return the line of a function as its code object has it: that of the first decorator."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])
