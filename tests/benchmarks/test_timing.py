"""The arithmetic of the benchmarks, with invented clocks."""

import asyncio
import gc

import pytest

from benchmarks import timing
from benchmarks.timing import Effort, Ratio

EFFORT = Effort(rounds=3, fewest=2, sample=0.001, patience=60.0)


@pytest.fixture
def event_loop_closed():
    """Close the loop in which coroutines are timed."""
    yield
    timing.close_event_loop()


def taking(seconds, log=None, name=""):
    """Return a run with this duration for each execution."""

    def run(times):
        if log is not None:
            log.append((name, times))
        return seconds * times

    return run


def test_ratio_is_the_median_of_the_rounds():
    """Rounds are compared one by one, so a slow round changes nothing."""
    ratio = timing.ratio([2.0, 3.0, 400.0, 2.5, 2.0], [1.0, 1.0, 100.0, 1.0, 1.0])
    assert ratio == Ratio(median=2.5, low=2.0, high=3.0, rounds=5)


def test_ratio_allows_for_the_work():
    """Ten times the work in twenty times the time is twice as slow."""
    assert timing.ratio([20.0, 20.0], [1.0, 1.0], work=10).median == 2.0


def test_ratio_of_one_round_has_no_spread():
    """The quartiles of one round are its ratio."""
    assert timing.ratio([3.0], [2.0]) == Ratio(1.5, 1.5, 1.5, 1)


def test_rounds_must_match():
    """Series of unequal length are refused."""
    with pytest.raises(ValueError, match="zip"):
        timing.ratio([1.0], [1.0, 2.0])


@pytest.mark.parametrize("seconds", [1e-7, 1e-5, 1e-3, 1.0])
def test_calibration_fills_a_sample(seconds):
    """A sample has as many executions as fill its duration, at least one."""
    assert timing.calibrate(taking(seconds), 0.001) == max(1, round(0.001 / seconds))


def test_runs_take_turns():
    """Every round times each run once, in the same order, and divides by the executions."""
    log: list[tuple[str, int]] = []
    runs = [taking(1e-6, log, "a"), taking(2e-7, log, "b"), taking(1e-3, log, "c")]
    samples = timing.interleave(runs, EFFORT)
    assert [name for name, _ in log[-9:]] == [*"abc"] * 3
    assert samples == [[pytest.approx(s)] * 3 for s in (1e-6, 2e-7, 1e-3)]


def test_few_executions_are_warmed_up():
    """A sample of a few executions follows a warm-up that is not counted."""
    log: list[tuple[str, int]] = []
    timing.interleave([taking(1e-4, log, "a")], EFFORT)
    assert [times for _, times in log[-4:]] == [1, 10, 1, 10]


def test_the_time_limit_ends_the_rounds():
    """After the time limit the minimum of rounds is taken, and no more."""
    hurried = Effort(rounds=9, fewest=2, sample=0.001, patience=-1.0)
    assert len(timing.interleave([taking(1e-3)], hurried)[0]) == 2


def test_garbage_is_not_collected_while_timing():
    """The garbage collector is off while timing, and on again after a failure too."""

    def run(times):
        assert not gc.isenabled()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        timing.interleave([run], EFFORT)
    assert gc.isenabled()


def test_statement_is_executed_so_many_times():
    """A statement of several lines runs as often as requested, and its time is returned."""
    done: list[int] = []
    run = timing.statement("for one in two:\n    done.append(one)", done=done, two=(1, 2))
    assert run(3) > 0
    assert done == [1, 2] * 3


@pytest.mark.usefixtures("event_loop_closed")
def test_coroutine_runs_inside_a_loop():
    """A statement that awaits runs in an event loop, as often as requested."""
    loops = []

    async def note():
        loops.append(asyncio.get_running_loop())

    assert timing.coroutine("await note()", note=note)(3) > 0
    assert len(loops) == 3
    assert len({*loops}) == 1


@pytest.mark.parametrize(
    ("median", "bias", "reached"),
    [
        pytest.param(1.00, 0.0, True, id="below"),
        pytest.param(1.20, 0.0, False, id="above"),
        pytest.param(1.05, 0.0, None, id="within its own spread"),
        pytest.param(1.00, 0.1, None, id="within the noise of the machine"),
    ],
)
def test_target_is_judged_by_the_noise(median, bias, reached):
    """A target is reached or missed only if the difference is more than noise."""
    ratio = Ratio(median, median - 0.05, median + 0.05, rounds=100)
    assert ratio.reaches(1.06, bias) is reached


@pytest.mark.parametrize(
    ("ratio", "noise"),
    [
        pytest.param(Ratio(1.00, 0.99, 1.01, 100), False, id="calm"),
        pytest.param(Ratio(1.03, 1.02, 1.04, 100), True, id="biased"),
        pytest.param(Ratio(1.00, 0.90, 1.10, 100), True, id="scattered"),
    ],
)
def test_noise_is_recognised(ratio, noise):
    """Code that differs from itself, or scatters, shows a noisy machine."""
    assert ratio.is_noise is noise
