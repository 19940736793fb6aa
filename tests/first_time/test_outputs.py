"""Outputs are compared, apart from what differs from run to run."""

import pytest

from tests.first_time.outputs import matches


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ("placed 1", "\nplaced 1\n\n"),
        ("3 passed in 0.01s", "3 passed in 12.50s"),
        ("sent  2026-11-29 04:25:20 UTC, 4 s ago", "sent 2027-01-02 03:04:05 UTC, 12 s ago"),
        ("died  2026-11-29 04:25:21 UTC, 13 s ago", "died 2027-01-02 03:04:05 UTC, now"),
        ("Started server process [4711]", "Started server process [7]"),
        ("clarion 0.1.0 works", "clarion 0.2.11 works"),
        ("id   receiver   died      failures", "id receiver died failures   "),
        ("uid  01a2258c-e481-7afc-9208-41a0aaf53b9a", "uid  00000000-e481-7afc-9208-41a0aaf53b9b"),
        ("Press CTRL+C to quit", "\x1b[31m\x1b[1mPress CTRL+C to quit\x1b[0m"),
        ("...\nStopped.", "Stopped."),
        ("...\nStopped.", "made\nmade\nStopped."),
        ("failed\n...", "failed"),
        ("delivery ... failed (1 of 2)", "delivery 7 of mail failed (1 of 2)"),
        ("Traceback:\n...\nValueError: no", "Traceback:\n  in f\n  in g\nValueError: no"),
    ],
)
def test_variable_parts_match(expected, shown):
    """Times, ages, versions, uids, colours, widths and the text at `...` may differ."""
    assert matches(expected, shown)


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ("placed 1", "placed 2"),
        ("placed 1", ""),
        ("", "placed 1"),
        ("placed 1\nplaced 2", "placed 2\nplaced 1"),
        ("2 passed in 0.01s", "3 passed in 0.01s"),
        ("  indented", "indented"),
        ("...\nStopped.", "made\nStopped.\nmade"),
    ],
)
def test_other_parts_do_not(expected, shown):
    """Any other difference is found."""
    assert not matches(expected, shown)
