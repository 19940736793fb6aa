"""Databases with stored deliveries: their tables, and deliveries without a receiver."""

from __future__ import annotations

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
    """Yield the receivers of the deliveries in one database that the program has not connected.

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
        registration = found.registration()
        file, line = (None if registration is None else registration.place) or (None, None)
        yield Finding(DELIVERIES, name, problem, cure, file, line)


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
