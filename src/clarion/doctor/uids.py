"""Receivers that are not connected, because another one has their `dispatch_uid`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from clarion._core.names import name_of, quoted_name, signal_name
from clarion._core.tabled import table_of
from clarion.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion._core.signal import Signal
    from clarion.doctor.program import Program
    from clarion.doctor.source import Connect, Source

CODE = "W010"


def shadowed_receivers(program: Program) -> Iterator[Finding]:
    """Yield the receivers that a module or its `ready()` connects, and whose `dispatch_uid` another one had before.

    The program logs a warning when it connects them.
    """
    for source in program.imported:
        for connect in source.connects:
            name = _name(connect.receiver)
            if connect.uid and name and not connect.is_conditional and _runs_at_start(connect):
                for signal in connect.signals:
                    if (other := _other(source, connect, signal)) is not None:
                        yield Finding(
                            CODE,
                            f"{source.name}.{name}",
                            f"Receiver {name} of signal {signal_name(signal)} is not connected, because receiver "
                            f"{other} has the dispatch_uid {quoted_name(connect.uid)} already.",
                            "Give another one, or replace=True to replace that receiver.",
                            source.file,
                            connect.line,
                        )


def _runs_at_start(connect: Connect) -> bool:
    return connect.scope is None or getattr(connect.scope, "name", "") == "ready"


def _other(source: Source, connect: Connect, signal: Signal) -> str | None:
    """Return the name of the receiver that has the `dispatch_uid`; None if it is this one, or none has it."""
    found = [each for each in table_of(signal).registrations() if each.uid == connect.uid]
    if isinstance(connect.receiver, (ast.FunctionDef, ast.AsyncFunctionDef)):
        # Another decorator may return a function of another file, which is the receiver.
        connecting = sum(each.receiver is connect.receiver for each in source.connects)
        is_other = len(connect.receiver.decorator_list) > connecting
        is_own = is_other or any(each.place == (source.file, connect.line) for each in found)
    else:
        receiver = source.lookup(connect.receiver)
        live = [each.live() for each in found]
        is_own = receiver is None or any(each is receiver for each in live)
    return None if is_own or not found else name_of(found[0].live())


def _name(receiver: ast.AST) -> str:
    """Return the name of a function; empty for a receiver that is another expression."""
    if isinstance(receiver, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return receiver.name
    if isinstance(receiver, ast.Attribute):
        return receiver.attr
    return receiver.id if isinstance(receiver, ast.Name) else ""
