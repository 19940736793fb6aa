"""Receivers that are connected after Django has sent their signal: those of `class_prepared`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import class_prepared

from clarion._core.names import name_of, signal_name
from clarion._core.tabled import table_of
from clarion.doctor import Finding, Program, register_rule
from clarion.doctor.places import is_connected_by
from clarion.integrations.django.dispatch.senders import is_prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.source import Connect, Source

CODE = "W011"

_READY = "ready"


@register_rule
def late_receivers(program: Program) -> Iterator[Finding]:
    """Yield the receivers of `class_prepared` that are connected when the classes are prepared.

    The source files are read, because a field may connect one for the class that it is added to, in time.
    """
    signal: Any = class_prepared
    for source in program.imported:
        for connect in source.connects:
            if not any(each is signal for each in connect.signals):
                continue
            reason = _reason(program, source, connect)
            live = (each.live() for each in table_of(signal).registrations())
            receivers = [each for each in live if is_connected_by(source, connect, each)]
            if reason is None or not receivers:
                continue
            name = name_of(receivers[0])
            yield Finding(
                CODE,
                name,
                f"Receiver {name} of signal {signal_name(signal)} is connected {reason}, and Django sends this signal "
                f"before, when it makes the classes of the models.",
                "Connect it in the module of the AppConfig, outside of ready() and before the models are imported, "
                "and compare the sender in the receiver.",
                source.file,
                connect.line,
            )


def _reason(program: Program, source: Source, connect: Connect) -> str | None:
    """Return why a receiver is connected too late; None if it may be early enough."""
    if connect.scope is not None:
        return "in ready()" if getattr(connect.scope, "name", "") == _READY else None
    if apps.ready and _is_imported_in_ready(program, source.name):
        return "in a module that ready() imports"
    sender: Any = None if connect.sender is None else source.lookup(connect.sender)
    if issubclass(type(sender), type) and issubclass(sender, Model) and is_prepared(sender):
        return f"to {sender.__name__}"
    return None


def _is_imported_in_ready(program: Program, name: str) -> bool:
    """Return whether a method `ready` imports a module, and neither another file nor Django does."""
    loaded = (each.models_module for each in apps.get_app_configs())
    if any(f"{name}.".startswith(f"{each.__name__}.") for each in loaded if each is not None):
        return False
    in_ready = elsewhere = 0
    for source in program.containing(name.rpartition(".")[2]):
        methods = (
            each
            for each in ast.walk(source.tree)
            if isinstance(each, ast.FunctionDef) and each.name == _READY
        )
        found = sum([*source.imported_modules(each)].count(name) for each in methods)
        in_ready += found
        elsewhere += [*source.imported_modules()].count(name) - found
    return in_ready > 0 and not elsewhere
