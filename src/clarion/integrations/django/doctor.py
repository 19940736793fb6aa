"""The rules of `clarion.doctor` for Django's signals and databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.models.signals import class_prepared

from clarion._core import registry
from clarion._core.names import name_of, quoted_name, signal_name
from clarion._core.tabled import table_of
from clarion.doctor import Finding, Program, register_rule
from clarion.doctor.examine import found_by
from clarion.doctor.places import place_of_connect
from clarion.doctor.rules import register_packages, rules
from clarion.doctor.stored import findings_in
from clarion.integrations.django import late_receivers as _late_receivers  # noqa: F401  # pyright: ignore[reportUnusedImport]  # it registers its rule
from clarion.integrations.django.dispatch.entries import UnknownSender
from clarion.integrations.django.dispatch.senders import fault_of, fault_of_text
from clarion.integrations.django.outbox.checks import (
    check_databases,
    check_transaction_modes,
    needed_aliases,
)
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.notes import APP
from clarion.integrations.django.outbox.vendors import is_supported
from clarion.outbox.receivers import connected_receivers
from clarion.outbox.tables import TablesError, check_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.core.checks import CheckMessage

    from clarion.integrations.django.dispatch.class_senders import Fault

SENDERS, TEXT = "W001", "W009"

# Folders of installed packages, whose receivers are not those of the project.
_INSTALLED = {"site-packages", "dist-packages"}


def project() -> list[str]:
    """Return the names of the project's apps, without those that were installed as packages."""
    return [
        each.name
        for each in (apps.get_app_configs() if apps.ready else ())
        if _INSTALLED.isdisjoint(Path(each.path).parts) and not each.name.startswith("clarion.")
    ]


def program() -> Program:
    """Return the project, to be examined."""
    return Program(tuple(project()))


register_packages(project)


@register_rule
def unsent_senders(program: Program) -> Iterator[Finding]:
    """Yield the receivers of Django's signals whose sender no send has."""
    prepared: Any = class_prepared  # in Django's stubs, it is no signal of Clarion's
    for signal in registry.signals():
        for registration in table_of(signal).registrations():
            sender, receiver = registration.sender, registration.live()
            if isinstance(sender, UnknownSender):  # connected before Clarion was installed
                continue
            if signal is prepared:  # its receivers may have run: see `late_receivers`
                continue
            fault = fault_of(signal, sender, subclasses=registration.subclasses)
            if fault is not None and receiver is not None:
                place = place_of_connect(program, signal, receiver, sender)
                yield _unsent(SENDERS, signal, receiver, fault, place)


@register_rule
def unknown_models(program: Program) -> Iterator[Finding]:
    """Yield the receivers that wait for a model that no app has, like Django's check signals.E001."""
    waiting: dict[tuple[str, str], list[Any]] = getattr(apps, "_pending_operations", {})
    for key, operations in waiting.items() if apps.ready else ():
        for operation in operations:
            signal, receiver = _connect_of(operation)
            fault = fault_of_text(".".join(key))
            if registry.is_signal(signal) and fault is not None:
                place = place_of_connect(program, signal, receiver, ".".join(key))
                yield _unsent(TEXT, signal, receiver, fault, place)


@register_rule
def deferred_databases(program: Program) -> Iterator[Finding]:  # noqa: ARG001
    """Yield the SQLite databases where a durable send may fail in a transaction that has read."""
    if apps.ready:
        yield from map(_finding, check_transaction_modes())


def other_findings() -> list[Finding]:
    """Return the findings in the project for which there is no other system check."""
    elsewhere = (unsent_senders, unknown_models, deferred_databases)
    return found_by([each for each in rules() if each not in elsewhere], program())


def findings_of_databases(aliases: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the stored deliveries in Django's databases, which are read.

    Args:
        aliases: the aliases of the databases.
    """
    yield from map(_finding, check_databases(databases=aliases))
    yield from unknown_deliveries(aliases)


def unknown_deliveries(aliases: Sequence[str]) -> Iterator[Finding]:
    """Yield the receivers of stored deliveries in these databases that are not connected."""
    has_tables = apps.is_installed(APP)
    for alias in aliases:
        if (has_tables or alias in needed_aliases()) and is_supported(connections[alias]):
            yield from _unknown_in(alias)


def _unknown_in(alias: str) -> list[Finding]:
    connection = DjangoConnection(alias)
    block: Any = transaction.atomic(
        using=alias
    )  # as in the check, an error must abort no other one
    try:
        with block:
            check_tables(connection)
            name = f"the database {quoted_name(alias)}"
            return list(findings_in(connection, name, connected_receivers()))
    except (DatabaseError, TablesError):  # the rule W002 reports it
        return []


def _unsent(
    code: str, signal: Any, receiver: Any, fault: Fault, place: tuple[str, int] | None
) -> Finding:
    name, (file, line) = name_of(receiver), place or (None, None)
    problem = f"Receiver {name} of signal {signal_name(signal)} is connected to {fault.sender}."
    return Finding(code, name, problem, fault.cure, file, line)


def _connect_of(operation: Any) -> tuple[Any, Any]:
    """Return the signal and the receiver of a `connect` that waits for a model, or None for both."""
    # Django wraps the operation in partials, and in a function with an attribute of the same name.
    arguments: list[Any] = []
    while hasattr(operation, "func"):
        arguments += getattr(operation, "args", ())
        operation = operation.func
    if not arguments:
        return getattr(operation, "signal", None), getattr(operation, "receiver", None)
    return getattr(operation, "__self__", None), arguments[0]


def _finding(message: CheckMessage) -> Finding:
    """Return a message of Django's system checks as a finding."""
    code = str(message.id).rpartition(".")[2]
    return Finding(code, str(message.obj), str(message.msg), str(message.hint))
