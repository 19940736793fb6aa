"""The programs call as many receivers as they declare."""

import os

import pytest

from benchmarks import counted, receivers
from benchmarks.instructions import LITERAL, WATCHED


@pytest.mark.parametrize("name", counted.programs())
def test_receivers_are_called(name):
    """One turn of each program calls as many receivers as it says."""
    with receivers.counting() as calls:
        program, count = counted.programs()[name]
        program(3)
    assert len(calls) == 3 * count


def test_both_sides_of_a_ratio_are_programs():
    """Both sides of each ratio are programs, which call as many receivers."""
    programs = counted.programs()
    for name, by_hand in (*WATCHED.items(), *LITERAL.items()):
        assert programs[name][1] == programs[by_hand][1]


def test_a_fork_runs_the_program_elsewhere(tmp_path):
    """The program runs in the process with the returned id, not in this one."""
    note = tmp_path / "note"
    process = counted.fork(lambda times: note.write_text(f"{os.getpid()} {times}") and None, 7)
    assert note.read_text() == f"{process} 7"
