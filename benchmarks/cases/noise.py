"""The same code measured against itself, which shows the noise of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import receivers
from benchmarks.cases import Case, Pair
from benchmarks.cases.asyncs import awaiting
from benchmarks.cases.sends import hand_loop

if TYPE_CHECKING:
    from collections.abc import Sequence


def hand_loops(_: Sequence[object]) -> list[Pair]:
    """Time the hand loop twice."""
    listeners = receivers.plain(5)
    return [Pair("", hand_loop(listeners), hand_loop(listeners))]


def awaits(_: Sequence[object]) -> list[Pair]:
    """Time a bare await twice."""
    (receive,) = receivers.immediate(1)
    return [Pair("", awaiting(receive), awaiting(receive))]


CASES = [
    Case("the hand loop over 5 receivers", "itself", None, hand_loops, calls=5),
    Case("a bare await", "itself", None, awaits, calls=1),
]
