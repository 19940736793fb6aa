"""Connections of sqlite3 whose transactions may fail to write after they have read."""

from __future__ import annotations

import ast
import re
import sqlite3
from typing import TYPE_CHECKING, Any

from clarion.doctor.finding import Finding
from clarion.doctor.scopes import SCOPES, values_of
from clarion.outbox.notes import BUSY_CURE
from clarion.outbox.receivers import stored_receivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.program import Program
    from clarion.doctor.source import Source

CODE = "W003"

_READ = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_LOCKING = {"IMMEDIATE", "EXCLUSIVE"}


def deferred_connections(program: Program) -> Iterator[Finding]:
    """Yield the calls of `sqlite3.connect` for an `atomic` block that reads, where a durable send may fail.

    The file has to contain the call, the block and the read.
    """
    if all(each.registration() is None for each in stored_receivers()):
        return
    for source in program.imported:
        found = {each.lineno: each for each in _connecting_calls(source)}
        for line in sorted(found):
            yield Finding(
                CODE,
                f"{source.name}:{line}",
                "The transactions of this connection begin deferred, an atomic() block reads in one, and "
                "deliveries are stored.",
                BUSY_CURE,
                source.file,
                line,
            )


def _connecting_calls(source: Source) -> Iterator[ast.Call]:
    for scope, block in _blocks(source.tree, None):
        for item in block.items:
            call: Any = item.context_expr
            is_block = isinstance(call, ast.Call) and _is_atomic(source.lookup(call.func))
            if is_block and call.args and _reads(source, block):
                yield from _opened(source, call.args[0], scope)


def _blocks(parent: ast.AST, scope: ast.AST | None) -> Iterator[tuple[ast.AST | None, ast.With]]:
    """Yield the `with` statements, each with the function that contains it."""
    for each in ast.iter_child_nodes(parent):
        if isinstance(each, ast.With):
            yield scope, each
        yield from _blocks(each, each if isinstance(each, SCOPES) else scope)


def _is_atomic(found: object) -> bool:
    # The name is compared, because the program may not have loaded the module.
    return getattr(found, "__name__", "") == "atomic" and str(
        getattr(found, "__module__", "")
    ).startswith("clarion.commit")


def _reads(source: Source, block: ast.With) -> bool:
    """Return whether a block has a query in it, or calls a function of the file that has one."""
    called = {
        each.func.id
        for each in ast.walk(block)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }
    functions = [each for each in source.tree.body if getattr(each, "name", None) in called]
    return any(
        isinstance(each, ast.Constant)
        and isinstance(each.value, str)
        and _READ.match(each.value) is not None
        for part in (*block.body, *functions)
        for each in ast.walk(part)
    )


def _opened(source: Source, value: ast.expr, scope: ast.AST | None) -> Iterator[ast.Call]:
    """Yield the deferred `sqlite3.connect` that an expression comes from."""
    for each in values_of(value.id, scope, source.tree) if isinstance(value, ast.Name) else [value]:
        if not isinstance(each, ast.Call):
            continue
        if source.lookup(each.func) is sqlite3.connect:
            if _is_deferred(each):
                yield each
        elif isinstance(each.func, ast.Name):
            yield from _opened_by(source, each.func.id)


def _opened_by(source: Source, name: str) -> Iterator[ast.Call]:
    """Yield the deferred `sqlite3.connect` whose result a function of the file returns."""
    for function in source.tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == name:
            for each in ast.walk(function):
                if isinstance(each, ast.Call) and source.lookup(each.func) is sqlite3.connect:
                    yield from [each] if _is_deferred(each) else []


def _is_deferred(call: ast.Call) -> bool:
    """Return whether a connection is to a file, and its transactions take no lock when they begin."""
    given = {each.arg: each.value for each in call.keywords}
    path = call.args[0] if call.args else given.get("database")
    is_memory = isinstance(path, ast.Constant) and ":memory:" in str(path.value)
    if None in given or len(call.args) > 3 or is_memory:  # noqa: PLR2004  # the fourth is the option
        return False
    level = given.get("isolation_level", ast.Constant(""))
    return isinstance(level, ast.Constant) and str(level.value).upper() not in _LOCKING
