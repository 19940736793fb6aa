"""The arithmetic and the command line of the guard; nothing here runs callgrind."""

import json

import pytest

from benchmarks import instructions as program
from benchmarks.counted import IDLE, SENDS
from benchmarks.instructions import LITERAL, WATCHED, CountError, Line
from clarion.introspect import Dispatcher


@pytest.fixture(autouse=True)
def guard(monkeypatch, tmp_path):
    """Replace callgrind's counts, and the file of the baselines."""
    monkeypatch.setattr(program, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(program, "dispatcher", lambda: Dispatcher(True, ""))
    monkeypatch.setattr(program, "BASELINE", tmp_path / "instructions.json")
    monkeypatch.setattr(program, "counted", lambda kind, environment: counts())


def counts(**changed):
    """Return counts in which a send takes 50 % more than the hand loop."""
    made = dict.fromkeys(WATCHED.values(), 1000.0) | dict.fromkeys(WATCHED, 1500.0)
    return made | dict.fromkeys(LITERAL.values(), 1250.0) | changed


def test_without_valgrind_it_passes(monkeypatch, capsys):
    """One line says that nothing is counted."""
    monkeypatch.setattr(program, "which", lambda name: None)
    assert program.main([]) == 0
    assert capsys.readouterr().out == "Valgrind is not installed, so no instructions are counted.\n"


def test_without_a_baseline_it_passes(capsys):
    """One line for each kind of Clarion says that there is nothing to compare."""
    assert program.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"No baseline for {program.key('compiled')}",
        f"No baseline for {program.key('pure')}",
    ]


def test_without_compiled_sends_pure_python_is_counted(monkeypatch, capsys):
    """One line has the reason, and pure Python is counted."""
    monkeypatch.setattr(program, "dispatcher", lambda: Dispatcher(False, "no compiler"))
    assert program.main(["--write"]) == 0
    assert "no compiler" in capsys.readouterr().out
    assert list(program.stored()) == [program.key("pure")]


def test_equal_counts_pass(capsys):
    """Equal counts pass for either kind, and other baselines stay."""
    program.BASELINE.write_text(json.dumps({"another": {}}))
    assert program.main(["--write"]) == 0
    assert program.stored().keys() == {"another", program.key("compiled"), program.key("pure")}
    assert program.main([]) == 0
    out = capsys.readouterr().out
    assert "1.500   1.500   +0.0%" in out
    assert "GROWN" not in out


def test_both_hand_loops_are_shown(capsys):
    """A send is divided by the generic loop and by the literal one."""
    program.main(["--write"])
    assert program.stored()[program.key("pure")]["ratios"]["send, 1 receiver"] == 1.5
    program.main([])
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    shown = [
        [cell.strip() for cell in line if cell][1:4:2] for line in lines if "send, 1 " in line[0]
    ]
    assert shown == [["hand loop, 1 receiver", "1.500"], ["literal loop, 1 receiver", "1.200"]] * 2


def test_a_new_row_has_nothing_to_compare(capsys):
    """A baseline stored before the row was added is still valid for the others."""
    program.main(["--write"])
    known = program.stored()
    for entry in known.values():
        del entry["ratios"]["send, 50 receivers / literal loop, 50 receivers"]
        del entry["by hand"]["literal loop, 50 receivers"]
    program.BASELINE.write_text(json.dumps(known))
    assert program.main([]) == 0
    assert "literal loop, 50 receivers  1,500  1.200       -       -" in capsys.readouterr().out


def test_growth_fails(monkeypatch, capsys):
    """A growth beyond the tolerance is named, with its size and the cure."""
    program.main(["--write"])
    grown = counts(**{"send, 1 receiver": 1560.0, "send, 5 receivers": 1530.0})
    monkeypatch.setattr(program, "counted", lambda kind, environment: grown)
    assert program.main([]) == 1
    out = capsys.readouterr().out
    assert "send, 1 receiver has GROWN by 4.0%" in out
    assert "send, 5 receivers has" not in out
    assert "make instructions ARGS=--write" in out


def test_another_build_of_python_is_not_compared(monkeypatch, capsys):
    """If the hand loops differ, it prints one line and passes."""
    program.main(["--write"])
    other = counts(**{"hand loop, 1 receiver": 960.0, "send, 5 receivers": 3000.0})
    monkeypatch.setattr(program, "counted", lambda kind, environment: other)
    capsys.readouterr()
    assert program.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("another build of Python" in line and "-4.0%" in line for line in lines)


def test_a_gain_passes_and_is_reported(monkeypatch, capsys):
    """A gain is reported, so that a new baseline can be stored."""
    program.main(["--write"])
    monkeypatch.setattr(program, "counted", lambda *_: counts(**{"send, 1 receiver": 1200.0}))
    assert program.main([]) == 0
    assert "send, 1 receiver has shrunk by 20.0%" in capsys.readouterr().out


def test_the_lowest_of_all_seeds_is_taken(monkeypatch):
    """Each program's count is the lowest of all seeds, without collisions."""
    seen = {"0": {"a": 3.0, "b": 1.0}, "1": {"a": 2.0, "b": 2.0}, "2": {"a": 4.0, "b": 4.0}}
    monkeypatch.setattr(program, "counted", lambda _, given: seen[given["PYTHONHASHSEED"]])
    assert program.least("pure", {}) == {"a": 2.0, "b": 1.0}


def test_the_parents_step_is_not_counted():
    """The count of a turn is what 2n turns take more than n, without the parent's step."""
    totals = {IDLE: [5, 900, 1000], "a": [2000, 2100 + 7 * SENDS]}
    assert program.per_turn(totals) == {"a": 7.0}


def test_the_total_is_read(tmp_path):
    """The total is what callgrind wrote; an output without one is an error."""
    output = tmp_path / "1"
    output.write_text("events: Ir\n1 2\ntotals: 42\n")
    assert program.total(output) == 42
    output.write_text("events: Ir\n")
    with pytest.raises(CountError, match="no total"):
        program.total(output)


def test_the_environment_changes_nothing(monkeypatch):
    """Settings of Python and Clarion are removed from the environment, and both are found."""
    monkeypatch.setenv("PYTHONMALLOC", "debug")
    monkeypatch.setenv("CLARION_PURE", "1")
    settled = program.settled({"PYTHONHASHSEED": "1"})
    assert settled.keys() >= {"PYTHONPATH", "PYTHONHASHSEED"}
    assert settled.keys().isdisjoint({"PYTHONMALLOC", "CLARION_PURE"})


def test_a_new_program_has_no_growth():
    """A new program has no growth."""
    line = Line("send, 1 receiver", "hand loop, 1 receiver", 1500.0, 1.5, None)
    assert line.growth == 0
    assert line.cells()[-2:] == ["-", "-"]
