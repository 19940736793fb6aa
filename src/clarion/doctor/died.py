"""Receivers that are held weakly, and have died."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, cast

from clarion._core.names import signal_name
from clarion._core.signal import Signal
from clarion._core.tabled import table_of
from clarion.doctor.finding import Finding
from clarion.doctor.results import dead_result
from clarion.doctor.scopes import own_nodes
from clarion.doctor.source import is_class, makes_new
from clarion.doctor.unheld import unheld_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.program import Program
    from clarion.doctor.source import Connect, Source

CODE = "W004"


def dead_receivers(program: Program) -> Iterator[Finding]:
    """Yield the receivers that were held weakly and have died, so that no send calls them.

    A receiver that has died leaves no trace in its signal. So this rule reads the source files, and looks
    up whether the receiver is still connected.
    """
    for source in program.imported:
        for connect in source.connects:
            for signal in connect.signals:
                if not connect.is_once and (found := _fault(source, connect, signal)) is not None:
                    name, reason = found
                    yield Finding(
                        CODE,
                        f"{source.name}.{name}",
                        f"Receiver {name} of signal {signal_name(signal)} is held weakly, and {reason}.",
                        _CURE,
                        source.file,
                        connect.line,
                    )


_CURE = "Connect it with weak=False, or keep it in a module or in an object that lives as long."


def _fault(source: Source, connect: Connect, signal: Signal) -> tuple[str, str] | None:
    """Return the name of a receiver that has died, and the reason; None for any other."""
    receiver = connect.receiver
    is_weak = connect.weak
    if is_weak is None:
        # A signal of a framework holds all its receivers weakly, as Django's do.
        is_of_framework = not isinstance(cast("object", signal), Signal)
        is_weak = is_of_framework or isinstance(receiver, ast.Attribute)
    if is_weak is not True:
        return None
    if isinstance(receiver, ast.Lambda):
        return None if _is_at(signal, connect.line, source) else ("<lambda>", _AT_ONCE)
    if isinstance(receiver, (ast.Attribute, ast.Call)):
        return _fault_of_expression(source, connect, signal, receiver)
    if isinstance(receiver, ast.Name):
        return _fault_of_local(source, connect, signal, receiver.id)
    if isinstance(receiver, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _fault_of_function(source, connect, signal, receiver)
    return None


_AT_ONCE = "nothing else holds it, so it dies as soon as it is connected"


def _fault_of_function(
    source: Source,
    connect: Connect,
    signal: Signal,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
) -> tuple[str, str] | None:
    if _is_at(signal, connect.line, source):
        return None
    if connect.scope is not None:
        connecting = sum(each.receiver is function for each in source.connects)
        if len(function.decorator_list) > connecting:  # another decorator may keep it
            return None
        return _fault_of_local(source, connect, signal, function.name)
    later = [
        each.lineno
        for each in ast.iter_child_nodes(source.tree)
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and each.name == function.name
        and each is not function
    ]
    if connect.is_conditional or not later or max(later) < function.lineno:
        return None
    return function.name, f"line {max(later)} defines another one of this name, so it has died"


def _fault_of_local(
    source: Source, connect: Connect, signal: Signal, name: str
) -> tuple[str, str] | None:
    """Check a local function: its outer function connects it, and does not use it otherwise."""
    if connect.scope is None:
        return None
    defined = [
        each
        for each in ast.walk(connect.scope)
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == name
    ]
    if len(defined) != 1 or _is_needed(source, connect, connect.scope, name):
        return None
    line = min([defined[0].lineno, *(each.lineno for each in defined[0].decorator_list)])
    if _is_at(signal, line, source):
        return None
    return name, f"is local, so it dies when {_name_of(connect.scope)} ends"


def _fault_of_expression(
    source: Source, connect: Connect, signal: Signal, receiver: ast.Attribute | ast.Call
) -> tuple[str, str] | None:
    if isinstance(receiver, ast.Attribute):
        return _fault_of_method(source, connect, signal, receiver)
    name = dead_result(source, signal, receiver)
    return None if name is None else (name, _AT_ONCE)


def _fault_of_method(
    source: Source, connect: Connect, signal: Signal, method: ast.Attribute
) -> tuple[str, str] | None:
    holder = method.value
    if _has_method(signal, method.attr):
        return None
    if isinstance(holder, ast.Call):
        kind: Any = source.lookup(holder.func)
        return (f"{kind.__name__}.{method.attr}", _METHOD) if makes_new(kind) else None
    if not isinstance(holder, ast.Name):
        return None
    if (unheld := unheld_object(source, connect, holder.id)) is not None:
        kind_name, line = unheld
        return f"{kind_name}.{method.attr}", f"nothing holds the object that line {line} creates"
    return _fault_of_object(source, connect, holder.id, method.attr)


def _fault_of_object(
    source: Source, connect: Connect, holder: str, method: str
) -> tuple[str, str] | None:
    """Check the object of a method, by its name."""
    name = f"{holder}.{method}"
    if connect.scope is None:
        is_kept = connect.is_conditional or source.lookup(ast.Name(holder)) is not None
        return None if is_kept else (name, "its object was deleted")
    made = [
        each
        for each in ast.walk(connect.scope)
        if isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Call)
        and makes_new(source.lookup(each.value.func))
        and [getattr(target, "id", None) for target in each.targets] == [holder]
    ]
    if not made or _is_needed(source, connect, connect.scope, holder):
        return None
    return name, f"its object is local, so it dies when {_name_of(connect.scope)} ends"


_METHOD = "nothing else holds its object, so it dies as soon as it is connected"


def _is_needed(source: Source, connect: Connect, scope: ast.AST, name: str) -> bool:
    return _is_used_otherwise(source, scope, name) or _runs_on(source, scope, connect.line)


_LOGGING = {"debug", "info", "warning", "error", "connect"}


def _runs_on(source: Source, scope: ast.AST, line: int) -> bool:
    """Return whether a function may run for long after it has connected, such as `main()`.

    What is local lives as long as the function runs.
    """
    for each in own_nodes(scope):
        if getattr(each, "lineno", 0) <= line:
            continue
        if isinstance(each, (ast.Yield, ast.YieldFrom, ast.Await)):
            return True
        if isinstance(each, ast.Call):
            called = each.func
            is_short = isinstance(called, ast.Attribute) and called.attr in _LOGGING
            if not is_short and not is_class(source.lookup(called)):
                return True
    return False


def _is_used_otherwise(source: Source, scope: ast.AST, name: str) -> bool:
    """Return whether a function does more with a local name than to connect it."""
    uses = 0
    for each in ast.walk(scope):
        if isinstance(each, (ast.Global, ast.Nonlocal)) and name in each.names:
            return True
        uses += isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
    connected = [each.receiver for each in source.connects if each.scope is scope]
    holders = [each.value if isinstance(each, ast.Attribute) else each for each in connected]
    return uses > sum(isinstance(each, ast.Name) and each.id == name for each in holders)


def _is_at(signal: Signal, line: int, source: Source) -> bool:
    """Return whether a receiver of this file and line is connected."""
    return any(each.place == (source.file, line) for each in table_of(signal).registrations())


def _has_method(signal: Signal, name: str) -> bool:
    """Return whether a method of this name is connected."""
    return any(
        getattr(each.live(), "__name__", None) == name for each in table_of(signal).registrations()
    )


def _name_of(scope: ast.AST) -> str:
    return f"{getattr(scope, 'name', 'the lambda')}()"
