"""Databases with stored deliveries: their tables, and deliveries without a receiver."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from difflib import get_close_matches
from typing import TYPE_CHECKING

from clarion._core.names import counted, quoted_name
from clarion.doctor.finding import Finding
from clarion.outbox.receivers import connected_receivers
from clarion.outbox.tables import TablesError, check_tables
from clarion.worker.startup import check_outbox
from clarion.worker.startup import unknown_receivers as counts_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from clarion.doctor.program import Program
    from clarion.outbox.connection import Connection
    from clarion.outbox.receivers import NamedReceiver

TABLES, DELIVERIES = "W002", "W005"
_OLDEST = (
    200  # deliveries that are compared with the connected signals; more would be read for long
)


def unusable_tables(program: Program) -> Iterator[Finding]:
    """Yield the databases without the tables of the outbox, or with tables of another version."""
    for database in program.databases:
        with closing(database.connect()) as connection:
            try:
                check_outbox(database, connection)
            except TablesError as error:
                yield Finding.of(TABLES, database.name, str(error))


def unknown_receivers(program: Program) -> Iterator[Finding]:
    """Yield the receivers of stored deliveries that the program has not connected."""
    known = connected_receivers()
    for database in program.databases:
        with closing(database.connect()) as connection:
            if _is_usable(connection):
                yield from findings_in(connection, database.name, known)


def findings_in(
    connection: Connection, database: str, known: Mapping[str, Iterable[NamedReceiver]]
) -> Iterator[Finding]:
    """Yield the receivers of the deliveries in one database that the program has not connected to their signals.

    Args:
        connection: a connection to the database, which has the tables.
        database: how messages name it.
        known: the connected receivers, by each of their names.
    """
    for name, count in sorted(counts_of_unknown(connection, known).items()):
        waiting = counted(count, "delivery waits", "deliveries wait")
        problem = (
            f"{waiting} in {database} for the receiver {quoted_name(name)}, which is not connected."
        )
        if (close := _similar(name, known)) is None:
            cure = "Connect it, or name it in aliases= of the receiver that replaces it."
            yield Finding(DELIVERIES, name, problem, cure)
            continue
        found = next(iter(known[close]))
        cure = f"If it is now {quoted_name(found.name)}, connect that with aliases=[{quoted_name(name)}]."
        yield Finding(DELIVERIES, name, problem, cure, *_place(found))
    yield from _of_other_signals(connection, database, known)


def _of_other_signals(
    connection: Connection, database: str, known: Mapping[str, Iterable[NamedReceiver]]
) -> Iterator[Finding]:
    """Yield the connected receivers whose deliveries are of a signal with another name.

    That is a signal that was renamed or moved. Only the oldest deliveries are read.
    """
    counts = Counter(
        (row[0], row[6])
        for row in connection.rows("list_waiting", limit=_OLDEST)
        if row[0] in known
    )
    for (name, signal), count in sorted(counts.items()):
        found = list(known[name])
        if any(each.signal_name == signal for each in found):
            continue
        waiting = counted(count, "delivery waits", "deliveries wait")
        connected = ", ".join(sorted({quoted_name(each.signal_name) for each in found}))
        yield Finding(
            DELIVERIES,
            name,
            f"{waiting} in {database} for the receiver {quoted_name(name)} of the signal "
            f"{quoted_name(signal)}, and it is connected to {connected} only.",
            f"If the signal was renamed or moved, keep its former name with name={quoted_name(signal)}.",
            *_place(found[0]),
        )


def _place(found: NamedReceiver) -> tuple[str, int] | tuple[None, None]:
    registration = found.registration()
    return (None if registration is None else registration.place) or (None, None)


def _is_usable(connection: Connection) -> bool:
    try:
        check_tables(connection)
    except Exception:  # noqa: BLE001  # of any driver; the other rule reports it
        return False
    return True


def _similar(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles a name most: of the same function, or written alike."""
    listed = sorted(known)
    moved = [each for each in listed if each.rpartition(":")[2] == name.rpartition(":")[2]]
    close = moved or get_close_matches(name, listed, n=1)
    return close[0] if close else None
