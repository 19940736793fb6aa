"""The oracle: compares the effects of the receivers with the committed sends."""

from collections import Counter
from contextlib import closing
from typing import Any, NamedTuple

from chaos import shop


class Verdict(NamedTuple):
    """What a run has shown.

    Attributes:
        sends: the committed sends.
        lost: the effects that are missing.
        duplicates: the effects that an exact receiver has twice.
        inversions: the effects of an ordered receiver that came before an earlier one of its key.
        repeated: the effects that the other receivers have more than once.
        waiting: the deliveries that are left.
    """

    sends: int
    lost: int
    duplicates: int
    inversions: int
    repeated: int
    waiting: int

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.duplicates or self.inversions or self.waiting)


def judge(place: Any) -> Verdict:
    """Compare the effects with the sends, after everything was delivered."""
    with closing(place.connect()) as connection:
        raw = connection.connection
        sent = {tuple(row) for row in shop.execute(raw, "SELECT name, number FROM sent").fetchall()}
        found = shop.execute(
            raw, "SELECT receiver, name, number FROM effect ORDER BY id"
        ).fetchall()
        (waiting,) = shop.execute(raw, "SELECT count(*) FROM clarion_delivery").fetchone()
    return judged(sent, [tuple(row) for row in found], waiting)


def judged(
    sent: set[tuple[str, int]], effects: list[tuple[str, str, int]], waiting: int
) -> Verdict:
    """Return the verdict on effects, which are in the order in which they were committed.

    Args:
        sent: the key and the number of each committed send.
        effects: the receiver, the key and the number of each effect.
        waiting: the deliveries that are left.
    """
    counts = Counter(effects)
    receivers = (*shop.EXACT, *shop.OTHERS)
    lost = sum(not counts[receiver, *each] for receiver in receivers for each in sent)
    twice = Counter({each: count - 1 for each, count in counts.items() if count > 1})
    exact = sum(count for (receiver, _, _), count in twice.items() if receiver in shop.EXACT)
    foreign = sum(count for each, count in counts.items() if each[1:] not in sent)
    last: dict[tuple[str, str], int] = {}
    inversions = 0
    for receiver, name, number in effects:
        if receiver in shop.ORDERED:
            inversions += number < last.get((receiver, name), 0)
            last[receiver, name] = max(number, last.get((receiver, name), 0))
    return Verdict(len(sent), lost, exact + foreign, inversions, twice.total() - exact, waiting)
