"""Sends to sync receivers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import receivers
from benchmarks.cases import Case, Pair, against
from benchmarks.peers import Clarion
from benchmarks.receivers import Order
from benchmarks.timing import Run, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers import Library
    from benchmarks.receivers import Receiver

HAND = "[(receive, receive(signal=signal, sender=sender, **named)) for receive in receivers]"
LITERAL = (
    "[(receive, receive(signal=signal, sender=sender, order_id=1, amount=2))"
    " for receive in receivers]"
)
KEYWORDS = {"order_id": 1, "amount": 2}
SENDERS = 1000


class Empty:
    """A method with the arguments of a send that does nothing."""

    def send(self, sender: object, **named: Any) -> None:
        """Do nothing."""


def hand_loop(listeners: Sequence[Receiver]) -> Run:
    """Time the loop of hand-written code."""
    return statement(HAND, receivers=listeners, signal=object(), sender=Order, named=KEYWORDS)


def literal_loop(listeners: Sequence[Receiver]) -> Run:
    """Time the loop that a person writes for one signal."""
    return statement(LITERAL, receivers=listeners, signal=object(), sender=Order)


def empty(libraries: Sequence[Library]) -> list[Pair]:
    """Send without receivers."""
    baseline = statement(Clarion.send, signal=Empty(), sender=Order)
    return against(baseline, [(each, each.run(each.send, each.new())) for each in libraries])


def plain(count: int, libraries: Sequence[Library]) -> list[Pair]:
    """Send to functions, held strongly."""
    listeners = receivers.plain(count)
    runs = [(each, each.run(each.send, each.listened(listeners))) for each in libraries]
    return against(hand_loop(listeners), runs)


def literal(count: int, libraries: Sequence[Library]) -> list[Pair]:
    """Send to functions, beside a loop with literal keywords."""
    listeners = receivers.plain(count)
    runs = [(each, each.run(each.send, each.listened(listeners))) for each in libraries]
    return against(literal_loop(listeners), runs)


def weak(count: int, libraries: Sequence[Library]) -> list[Pair]:
    """Send to bound methods, held weakly by their objects."""
    listeners = receivers.methods(count)
    runs = [(each, each.run(each.send, each.listened_weakly(listeners))) for each in libraries]
    # The baseline keeps the methods and their objects alive during the timing.
    return against(hand_loop(listeners), runs)


def declared(count: int, libraries: Sequence[Library]) -> list[Pair]:
    """Send a declared signal, which checks its keywords, and a plain one."""
    listeners = receivers.plain(count)
    pairs = []
    for each in libraries:
        signal = each.declared(order_paid)
        if signal is not None:
            for listener in listeners:
                each.connect(signal, listener)
            checked = each.run(each.send, signal)
            unchecked = each.run(each.send, each.listened(listeners))
            assert checked is not None
            assert unchecked is not None
            pairs.append(Pair(each.name, checked, unchecked))
    return pairs


def order_paid(sender: type, *, order_id: int, amount: int) -> None:
    """Declare the keywords of all cases."""


def robust(libraries: Sequence[Library]) -> list[Pair]:
    """Send to five receivers that do not fail, robustly and plainly."""
    listeners = receivers.plain(5)
    pairs = []
    for each in libraries:
        signal = each.listened(listeners)
        subject, baseline = each.run(each.robust, signal), each.run(each.send, signal)
        if subject is not None and baseline is not None:
            pairs.append(Pair(each.name, subject, baseline))
    return pairs


def senders(libraries: Sequence[Library]) -> list[Pair]:
    """Send from one of a thousand connected senders, and from the only one."""
    return [_senders(each) for each in libraries if each.has_senders]


def _senders(library: Library) -> Pair:
    crowd = [Order() for _ in range(SENDERS)]
    among, alone = library.new(), library.new()
    for sender, listener in zip(crowd, receivers.plain(SENDERS), strict=True):
        library.connect(among, listener, sender)
    library.connect(alone, receivers.plain(1)[0], crowd[SENDERS // 2])
    subject = library.run(library.send, among, crowd[SENDERS // 2])
    baseline = library.run(library.send, alone, crowd[SENDERS // 2])
    assert subject is not None
    assert baseline is not None

    def keeping_the_crowd(times: int) -> float:
        assert crowd
        return subject(times)

    return Pair(library.name, keeping_the_crowd, baseline)


def _several(
    name: str,
    build: Callable[[int, Sequence[Library]], list[Pair]],
    *targets: float,
    measure: str = "hand loop",
) -> list[Case]:
    return [
        Case(name.format(n=count, s="" if count == 1 else "s"), measure, target,
             partial(build, count), calls=count)
        for count, target in zip((1, 5, 50), targets, strict=True)
    ]  # fmt: skip


CASES = [
    Case("send, no receiver", "empty method call", 1.2, empty, calls=0),
    *_several("send, {n} receiver{s}", plain, 1.05, 1.0, 1.0),
    *_several(
        "send, {n} receiver{s}, literal keywords",
        literal,
        *(1.1, 1.05, 1.05),
        measure="literal hand loop",
    ),
    *_several("send, {n} bound method{s} held weakly", weak, 1.15, 1.15, 1.15),
    Case("declared signal, 1 receiver", "plain signal", 1.05, partial(declared, 1), calls=1),
    Case("declared signal, 5 receivers", "plain signal", 1.05, partial(declared, 5), calls=5),
    Case("send_robust, 5 receivers, none failing", "send", 1.05, robust, calls=5),
    Case("send to 1 of 1,000 senders connected", "1 sender connected", 1.05, senders, calls=1),
]
