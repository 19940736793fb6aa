"""A short run of chaos on each database, and the oracle that judges it."""

import subprocess
import sys

import pytest

from chaos.oracle import judged
from tests.house.tree import ROOT
from tests.services import MARIADB, POSTGRES, without_certificates

SENT = {("a", 1), ("a", 2)}
EFFECTS = [
    (receiver, "a", number)
    for number in (1, 2)
    for receiver in ("exact", "ordered", "flaky", "doomed", "loose")
]


def test_a_good_run():
    """Each receiver has the effect of each send, in order."""
    verdict = judged(SENT, EFFECTS, waiting=0)
    assert verdict.is_good
    assert verdict.sends == 2


def test_a_lost_effect():
    """It is counted for each receiver."""
    verdict = judged({*SENT, ("b", 1)}, EFFECTS[1:], waiting=0)
    assert (verdict.lost, verdict.is_good) == (6, False)


def test_an_effect_twice():
    """It counts against exact receivers; the others may repeat it."""
    verdict = judged(SENT, [*EFFECTS, ("exact", "a", 1)], waiting=0)
    assert (verdict.duplicates, verdict.repeated, verdict.is_good) == (1, 0, False)
    verdict = judged(SENT, [*EFFECTS, ("loose", "a", 1)], waiting=0)
    assert (verdict.duplicates, verdict.repeated, verdict.is_good) == (0, 1, True)


def test_an_effect_of_a_rollback():
    """An effect without a committed send counts as a duplicate."""
    assert judged(SENT, [*EFFECTS, ("loose", "a", 3)], waiting=0).duplicates == 1


def test_an_inversion():
    """An effect before an earlier one of its key, of a receiver with a key."""
    assert judged(SENT, EFFECTS[5:] + EFFECTS[:5], waiting=0).inversions == 3


def test_what_is_left():
    """A run in which deliveries are left is not good."""
    assert not judged(SENT, EFFECTS, waiting=1).is_good


@pytest.mark.parametrize(
    "kind",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ],
)
def test_a_short_run(kind):
    """Workers are killed and stopped; nothing is lost, repeated or out of order."""
    command = [sys.executable, "-m", "chaos", kind, "--seconds", "4"]
    if kind != "sqlite":
        command += ["--url", {"postgresql": POSTGRES, "mariadb": MARIADB}[kind].url()]
    done = subprocess.run(
        command,
        cwd=ROOT / "tools",
        env=without_certificates(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert "lost 0, duplicated 0, inverted 0" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
