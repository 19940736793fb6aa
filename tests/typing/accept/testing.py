"""The tools for tests and for looking at signals."""

from collections.abc import Callable
from typing import Any, assert_type

from clarion import Signal, signal
from clarion.introspect import Explanation, Registration, explain, registrations, signals
from clarion.testing import Capture, Sent, assert_sent, capture, muted, restored
from clarion.typing import Receiver

opened = Signal()


@signal
def paid(sender: object, *, order_id: int) -> None:
    """An order was paid."""


class ForeignSignal:
    """A signal such as Django's, which is no subclass of Clarion's."""

    def has_listeners(self, sender: Any = None) -> bool:
        """Return whether a receiver is connected."""
        return False


foreign = ForeignSignal()


def receive(sender: object, **kwargs: Any) -> int:
    """Receive."""
    return 1


with capture(opened, paid, foreign) as sent:
    opened.send("web")
assert_type(sent, Capture)
assert_type(sent[0], Sent)
assert_type(sent[1:], list[Sent])
assert_type(sent.of(paid), list[Sent])
for each in sent:
    responses: list[tuple[Receiver, Any]] = each.responses
    order_id: int = each.keywords["order_id"]

assert_sent(sent, opened, sender="web", times=1, order_id=3)
found: list[Sent] = assert_sent(sent[:2], order_id=3)

with muted(opened, receive, foreign, sender="web"), restored():
    opened.send("web")


@muted(opened)
def work(number: int) -> int:
    """Work."""
    return number


@muted(receive)
async def work_async() -> str:
    """Work, awaited."""
    return ""


worked: int = work(1)
same: Callable[[int], int] = work


async def check() -> str:
    """Keep the type of an async function."""
    return await work_async()


def test(capture_signals: Callable[..., Capture], mute_signals: Callable[..., None]) -> None:
    """Use the fixtures."""
    mute_signals(opened, sender="web")
    assert_sent(capture_signals(opened), times=0)


explanation: Explanation = explain(opened, "web")
reasons: list[str] = [verdict.reason for verdict in explanation.heard + explanation.unheard]
listening: list[Registration] = [r for each in signals() for r in registrations(each)]
explain(foreign)
