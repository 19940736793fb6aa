"""The removal of dead rows while a worker is busy."""

from collections import Counter
from typing import Any

import pytest

from clarion.errors import ClarionError
from clarion.worker.connections import Connections
from clarion.worker.vacuum import OFTEN, Vacuum
from tests.worker.stage import Stage, new_postgresql, select


@pytest.fixture
def postgresql_stage():
    """Yield an empty outbox in PostgreSQL."""
    with new_postgresql() as url:
        yield Stage(url)


def vacuums(stage):
    """Return how often the table of deliveries was vacuumed by a command."""
    with stage.connected() as connection:
        found = select(
            connection.connection,
            "SELECT vacuum_count FROM pg_stat_user_tables WHERE relid = 'clarion_delivery'::regclass",
        )
    return found[0][0]


def vacuum(stage, counts):
    """Return a vacuum of a worker with these counters, and its connections."""
    connections = Connections(stage.database)
    return Vacuum(connections, counts), connections


@pytest.mark.service
def test_the_queue_is_vacuumed_after_many_settlements(postgresql_stage):
    """It is vacuumed when enough deliveries were settled, and not again before as many others."""
    counts = Counter(made=OFTEN - 1)
    tidy, connections = vacuum(postgresql_stage, counts)
    tidy.start_if_due()
    tidy.wait()
    assert vacuums(postgresql_stage) == 0
    for made, expected in ((OFTEN, 1), (2 * OFTEN - 1, 1), (2 * OFTEN, 2)):
        counts["made"] = made
        tidy.start_if_due()
        tidy.wait()
        assert vacuums(postgresql_stage) == expected
    connections.close()


def test_other_databases_need_none(sqlite_stage, logged):
    """SQLite reuses the space of deleted rows, so nothing is done and nothing is logged."""
    tidy, connections = vacuum(sqlite_stage, Counter(made=OFTEN))
    tidy.start_if_due()
    tidy.wait()
    assert logged.messages == []
    connections.close()


def test_a_failure_does_not_reach_the_worker(sqlite_stage, logged):
    """A database that cannot be reached is logged; autovacuum does the work later."""

    class Unreachable:
        dialect = "postgresql"

        def connect(self):
            raise ClarionError("the database is away")

    unreachable: Any = Unreachable()
    tidy = Vacuum(Connections(unreachable), Counter(made=OFTEN))
    tidy.start_if_due()
    tidy.wait()
    assert logged.messages == ["The table of deliveries could not be vacuumed."]
