"""One table of scenarios, played on every boundary: the same receivers run, once, in order."""

import logging

import pytest
from hypothesis import HealthCheck, given, settings

from clarion import on_commit
from clarion.testing import restored
from tests.scenarios import model
from tests.scenarios.stages import Block, Player, Send

one, two, three = Send(1, "a"), Send(2, "b"), Send(3, "a")

# The steps, the log, and the rows in the end.
SCENARIOS = {
    "a commit": (
        [Block((one, two))],
        [1, "a: 1", 2, "b: 2"],
        [1, 2],
    ),
    "a rollback": ([Block((one, two), "raises")], [], []),
    "a commit that fails": (
        [Block((one, two), "commit fails"), Block((three,))],
        [3, "a: 3"],
        [3],
    ),
    "no transaction": ([one, two], [1, "a: 1", 2, "b: 2"], []),
    "two transactions": (
        [Block((one,)), Block((three,))],
        [1, "a: 1", 3, "a: 3"],
        [1, 3],
    ),
    "a savepoint is released": (
        [Block((one, Block((two,)), three))],
        [1, "a: 1 3", 2, "b: 2", 3],
        [1, 2, 3],
    ),
    "a savepoint is rolled back": (
        [Block((one, Block((two,), "raises"), three))],
        [1, "a: 1 3", 3],
        [1, 3],
    ),
    "a savepoint is rolled back after one in it was released": (
        [Block((one, Block((Block((two,)),), "raises")))],
        [1, "a: 1"],
        [1],
    ),
    "a savepoint is rolled back inside one that is released": (
        [Block((Block((one, Block((two,), "raises"), three)),))],
        [1, "a: 1 3", 3],
        [1, 3],
    ),
    "savepoints, and then a rollback": ([Block((Block((one,)), two), "raises")], [], []),
    "the last of a key is rolled back": (
        [Block((one, Block((three,), "raises")))],
        [1, "a: 1"],
        [1],
    ),
    "the first of a key is rolled back": (
        [Block((Block((one,), "raises"), two, three))],
        [2, "b: 2", 3, "a: 3"],
        [2, 3],
    ),
    "a receiver fails": (
        [Block((Send(1, "a", fails=True), two))],
        [1, "a: 1", 2, "b: 2"],
        [1, 2],
    ),
    "a receiver sends at once": (
        [Block((Send(1, "a", then=(Send(4, "c"),)), two))],
        [1, 4, "c: 4", "a: 1", 2, "b: 2"],
        [1, 2],
    ),
    "a receiver has transactions of its own": (
        [
            Block(
                (
                    Send(1, "a", then=(Block((Send(4, "a"),)), Block((Send(5, "a"),), "raises"))),
                    three,
                )
            )
        ],
        [1, 4, "a: 4", "a: 1 3", 3],
        [1, 3, 4],
    ),
    "receivers of receivers": (
        [Block((Send(1, "a", then=(Block((Send(4, "a", then=(Block((Send(5, "b"),)),)),)),)),))],
        [1, 4, 5, "b: 5", "a: 4", "a: 1"],
        [1, 4, 5],
    ),
    "a transaction in which nothing is sent": ([Block((Block(), Block((), "raises")))], [], []),
}


def perform(opened, steps):
    """Play a scenario; return the log and the rows."""
    with opened() as stage, restored():
        player = Player(stage)
        held = player.connect(on_commit)

        async def play():
            await player.play(steps, stage)
            return await stage.rows()

        rows = stage.run(play())
        del held
        return player.log, rows if stage.has_rows else None


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(opened, name):
    """Exactly these receivers run, once, in this order, and the rows agree."""
    steps, log, rows = SCENARIOS[name]
    assert perform(opened, steps) in [(log, rows), (log, None)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_model_agrees_with_the_table(name):
    """The model that random scenarios are compared with is right."""
    steps, log, rows = SCENARIOS[name]
    assert (model.expected_log(steps), model.written(steps)) == (log, rows)


quickly = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
at_length = settings(quickly, max_examples=1000, derandomize=False)


@quickly
@given(steps=model.scenarios())
def test_random_scenarios(opened, steps, caplog):
    """Random nestings with random failures match the model."""
    compare(opened, steps, caplog)


@pytest.mark.slow
@at_length
@given(steps=model.scenarios())
def test_many_random_scenarios(opened, steps, caplog):
    """The same with more scenarios, and others each time."""
    compare(opened, steps, caplog)


def compare(opened, steps, caplog):
    caplog.set_level(logging.CRITICAL, "clarion")  # receivers fail on purpose
    log, rows = perform(opened, steps)
    assert log == model.expected_log(steps)
    assert rows in (model.written(steps), None)
