"""The program whose instructions `instructions.py` counts, under callgrind.

Most instructions of an interpreter under callgrind are start-up. So all programs share one
start, and each run is a fork of it. A fork's count includes that of its parent, which grows by
a constant step between forks; forks that do nothing measure this step. Without the step, a
fork with 2n sends differs from the previous one, with n sends, by n sends after warm-up.
"""

from __future__ import annotations

import gc
import os
from itertools import repeat
from typing import TYPE_CHECKING, Any

from benchmarks import receivers
from benchmarks.receivers import Order
from clarion import DeclaredSignal, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.receivers import Receiver

    # Runs a piece of code the given number of times.
    Program = Callable[[int], None]

SENDS = 100
IDLE = "idle"
NAMED = {"order_id": 1, "amount": 2}


class Empty:
    """A method with the arguments of a send that does nothing."""

    def send(self, sender: object, **named: Any) -> None:
        """Do nothing."""


def hand_loop(listeners: list[Receiver]) -> Program:
    """Loop over the receivers, as in hand-written code."""

    def run(
        times: int,
        receivers: list[Receiver] = listeners,
        signal: object = Order,
        sender: object = Order,
        named: dict[str, int] = NAMED,
    ) -> None:
        for _ in repeat(None, times):
            [(receive, receive(signal=signal, sender=sender, **named)) for receive in receivers]

    return run


def literal_loop(listeners: list[Receiver]) -> Program:
    """Loop over the receivers with literal keywords, as a person writes it for one signal."""

    def run(
        times: int,
        receivers: list[Receiver] = listeners,
        signal: object = Order,
        sender: object = Order,
    ) -> None:
        for _ in repeat(None, times):
            [
                (receive, receive(signal=signal, sender=sender, order_id=1, amount=2))
                for receive in receivers
            ]

    return run


def sending(signal: Any, listeners: list[Receiver]) -> Program:
    """Send to the receivers, held as by default: functions strongly, methods weakly."""
    for listener in listeners:
        signal.connect(listener)

    def run(
        times: int,
        signal: Any = signal,
        sender: object = Order,
        kept: list[Receiver] = listeners,
    ) -> None:
        for _ in repeat(None, times):
            signal.send(sender=sender, order_id=1, amount=2)

    return run


def sending_robustly(signal: Any, listeners: list[Receiver]) -> Program:
    """Send robustly to receivers that do not fail."""
    for listener in listeners:
        signal.connect(listener)

    def run(times: int, signal: Any = signal, sender: object = Order) -> None:
        for _ in repeat(None, times):
            signal.send_robust(sender=sender, order_id=1, amount=2)

    return run


def order_paid(sender: type, *, order_id: int, amount: int) -> None:
    """Declare the keywords of the sends."""


def programs() -> dict[str, tuple[Program, int]]:
    """Return all programs by name, each with the number of receivers that one turn calls."""
    one, five, fifty = receivers.plain(1), receivers.plain(5), receivers.plain(50)
    methods = receivers.methods(5)
    return {
        "empty method call": (sending(Empty(), []), 0),
        "hand loop, 1 receiver": (hand_loop(one), 1),
        "hand loop, 5 receivers": (hand_loop(five), 5),
        "hand loop, 50 receivers": (hand_loop(fifty), 50),
        "literal loop, 1 receiver": (literal_loop(one), 1),
        "literal loop, 5 receivers": (literal_loop(five), 5),
        "literal loop, 50 receivers": (literal_loop(fifty), 50),
        "hand loop, 5 methods": (hand_loop(methods), 5),
        "send, no receiver": (sending(Signal(), []), 0),
        "send, 1 receiver": (sending(Signal(), one), 1),
        "send, 5 receivers": (sending(Signal(), five), 5),
        "send, 50 receivers": (sending(Signal(), fifty), 50),
        "send, 5 methods held weakly": (sending(Signal(), methods), 5),
        "send declared, 1 receiver": (sending(DeclaredSignal(order_paid), one), 1),
        "send_robust, 5 receivers": (sending_robustly(Signal(), five), 5),
    }


def idle(times: int) -> None:
    """Do nothing."""


def fork(program: Program, times: int) -> int:
    """Run a program in another process and wait; return the process's id."""
    process = os.fork()
    if process == 0:
        program(times)
        os._exit(0)
    os.waitpid(process, 0)
    return process


def main() -> None:
    """Run `idle` three times and all programs twice; print the process ids and the dispatcher."""
    made = programs()
    gc.disable()
    processes = [(IDLE, [fork(idle, 0) for _ in range(3)])]
    processes += [
        (name, [fork(program, times) for times in (SENDS, 2 * SENDS)])
        for name, (program, _) in made.items()
    ]
    for name, numbers in processes:
        print(name, *numbers, sep="\t")

    from clarion.introspect import dispatcher  # imports more than a send needs

    print("compiled" if dispatcher().is_compiled else "pure")


if __name__ == "__main__":
    main()
