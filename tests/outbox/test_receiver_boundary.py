"""What a receiver sends is stored in its transaction."""

import pytest

from clarion import Signal, durable, on_commit
from clarion.outbox import use_database
from clarion.testing import restored
from tests.worker.stage import PLACES, Stage, effect, note, until_empty

caused = Signal(name="scenario.caused")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def stage(request, tmp_path):
    """Yield an outbox, to which sends without a transaction go too."""
    with PLACES[request.param](tmp_path) as url, restored():
        found = Stage(url)
        before = use_database(found.database)
        yield found
        use_database(before)
        getattr(found.database, "close_idle", bool)()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("effects", [None, "same database"])
def test_a_send_commits_with_the_receivers_writes(stage, kind, effects):
    """One that was rolled back is not delivered. On SQLite, nothing waits for the receiver's lock."""
    paid, seen, after = Signal(name="scenario.paid"), [], []

    def note_caused(n, **kwargs):
        seen.append(n)

    def note_commit(n, **kwargs):
        after.append((n, [each for *_, each in stage.effects()]))

    def receive(sender, connection, attempt, **kwargs):
        note(connection, "paid", "", attempt)
        caused.send(None, n=attempt)
        if attempt == 1:
            raise ValueError

    async def areceive(sender, connection, attempt, **kwargs):
        done = connection.cursor().execute(effect("paid", "", attempt))
        if hasattr(done, "__await__"):
            await done
        await caused.asend(None, n=attempt)
        if attempt == 1:
            raise ValueError

    caused.connect(note_caused, weak=False, delivery=durable(name="caused"))
    caused.connect(note_commit, weak=False, delivery=on_commit)
    receiver = receive if kind == "sync" else areceive
    paid.connect(receiver, weak=False, delivery=durable(name="paid", effects=effects, backoff=0.0))
    paid.send(None)
    until_empty(stage)
    assert seen == [2]
    assert [n for *_, n in stage.effects()] == [2]
    assert after == [(2, [2])]
