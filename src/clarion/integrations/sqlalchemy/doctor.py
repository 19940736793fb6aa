"""The rules of `clarion.doctor` for model signals and engines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine

from clarion._core.names import dotted, signal_name
from clarion._core.registry import signals
from clarion._core.tabled import table_of
from clarion.doctor import Finding, register_rule
from clarion.doctor.places import place_of_connect
from clarion.integrations.sqlalchemy.model_signal import ModelSignal
from clarion.integrations.sqlalchemy.outbox.database import EngineDatabase
from clarion.integrations.sqlalchemy.outbox.deferred import deferred_message
from clarion.integrations.sqlalchemy.outbox.engines import is_in_memory
from clarion.integrations.sqlalchemy.senders import is_unmapped, is_unmapped_base
from clarion.integrations.sqlalchemy.signals import connection_created
from clarion.integrations.sqlalchemy.waiting import fault_of
from clarion.outbox.receivers import stored_receivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion._core.registration import Registration
    from clarion.doctor import Program

SENDERS, DEFERRED, TEXT = "W001", "W003", "W009"


@register_rule
def unsent_senders(program: Program) -> Iterator[Finding]:
    """Yield the receivers of model signals whose sender no send can have."""
    for signal in signals():
        if not isinstance(cast("object", signal), ModelSignal):
            continue
        for registration in table_of(signal).registrations():
            fault = fault_of(registration)
            if fault is None and signal is not connection_created:  # its senders are no models
                fault = _fault_of_unmapped(registration)
            if fault is None:
                continue
            name = registration.name
            live = registration.live()
            place = place_of_connect(program, signal, live, registration.sender)
            file, line = place or (None, None)
            yield Finding(
                TEXT if isinstance(registration.sender, str) else SENDERS,
                name,
                f"Receiver {name} of signal {signal_name(signal)} is connected to {fault[0]}.",
                fault[1],
                file,
                line,
            )


def _fault_of_unmapped(registration: Registration) -> tuple[str, str] | None:
    """Return the fault of a class that is not mapped. No write reports it: it may be mapped later."""
    sender = registration.sender
    if not isinstance(sender, type) or not is_unmapped(sender) or is_unmapped_base(sender):
        return None
    return (
        f"{dotted(sender)}, which no module maps",
        "Import the module that maps it, or connect the receiver to a mapped class.",
    )


@register_rule
def deferred_engines(program: Program) -> Iterator[Finding]:
    """Yield the engines of SQLite on which a durable send may fail in a transaction that has read."""
    if all(each.registration() is None for each in stored_receivers()):
        return
    found = {id(each.engine): each for each in _databases(program) if _is_file(each.engine)}
    for database in found.values():
        if database.is_deferred():
            yield Finding.of(DEFERRED, database.name, deferred_message(database.name))


def _databases(program: Program) -> Iterator[EngineDatabase]:
    """Yield the databases that are examined, and those of variables and of the engines in variables."""
    for database in (*program.databases, *program.values()):
        if issubclass(type(database), EngineDatabase):  # isinstance() may run code of the object
            yield cast("EngineDatabase", database)
    asyncio = sys.modules.get("sqlalchemy.ext.asyncio")
    kinds = (Engine, *([] if asyncio is None else [asyncio.AsyncEngine]))
    for value in program.values():
        if issubclass(type(value), kinds):
            engine: Any = value
            if not is_in_memory(getattr(engine, "sync_engine", engine)):
                yield EngineDatabase(engine)


def _is_file(engine: Engine) -> bool:
    """Return whether an engine is that of a file of SQLite that exists."""
    # A connection would create the file.
    return engine.dialect.name == "sqlite" and Path(engine.url.database or "").is_file()
