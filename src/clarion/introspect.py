"""Inspect signals: which receivers a send would call, and why.

>>> from clarion import Signal, receiver
>>> from clarion.introspect import explain
>>> order_paid = Signal(name="shop.order_paid")
>>> @receiver(order_paid, sender="web", priority=5)
... def thank(sender, **kwargs): ...
>>> [registration.name for registration in explain(order_paid, "web").heard]
['clarion.introspect.thank']
>>> explain(order_paid, "phone").unheard[0].reason
"listens to 'web'"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clarion._core import compiled
from clarion._core.checks import check_signal
from clarion._core.instrument import Send
from clarion._core.names import sender_name, signal_name
from clarion._core.registration import Registration
from clarion._core.registry import signals
from clarion._core.table import Table
from clarion._core.tabled import table_of

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from clarion._core.signal import Signal
    from clarion.typing import AnySignal

__all__ = [
    "Dispatcher",
    "Explanation",
    "Registration",
    "Verdict",
    "dispatcher",
    "explain",
    "registrations",
    "signal_name",
    "signals",
]

_ANOTHER = "is connected twice, and the other connection counts here"


def registrations(signal: AnySignal) -> list[Registration]:
    """Return the registrations of a signal, in the order of connection.

    Args:
        signal: a signal of Clarion, or of Django where Django runs on Clarion.

    Returns:
        The registrations with a live receiver. `name` and `place` are the receiver's name,
        file and line. `sender`, `priority`, `is_async`, `once`, `subclasses`, `inline`,
        `weak` and `uid` are the options it was connected with. `delivery` is that option, bound
        to the receiver.

    Raises:
        ArgumentError: if Clarion does not dispatch the signal.
    """
    return table_of(check_signal(signal)).registrations()


@dataclass(frozen=True)
class Dispatcher:
    """The implementation of the sends in this process; `str()` describes it.

    Attributes:
        is_compiled: whether the compiled sends are in use.
        reason: why not, in a sentence; empty if they are.
    """

    is_compiled: bool
    reason: str

    def __str__(self) -> str:
        return "compiled" if self.is_compiled else f"pure Python: {self.reason}"


def dispatcher() -> Dispatcher:
    """Return whether the compiled sends or those in Python are in use, and why.

    Both behave the same. The compiled sends are available if Clarion was installed as a wheel
    or with a C compiler; `CLARION_PURE=1` in the environment disables them.

    Returns:
        A `Dispatcher`.
    """
    return Dispatcher(compiled.is_compiled(), compiled.reason)


@dataclass(frozen=True)
class Verdict:
    """Whether a send would call one receiver, and why.

    Attributes:
        registration: the receiver's registration.
        is_heard: whether it would be called.
        reason: why, or why not, in a few words.
        when: when it would run, if not inside the send; else empty.
    """

    registration: Registration
    is_heard: bool
    reason: str
    when: str = ""

    @property
    def name(self) -> str:
        """The dotted name of the receiver."""
        return self.registration.name

    def __str__(self) -> str:
        place = self.registration.place
        where = "" if place is None else f" ({place[0]}:{place[1]})"
        # The reason mentions the subclasses.
        traits = [trait for trait in self.registration.traits if trait != "subclasses"]
        shown = ", ".join([self.reason, *traits])
        return f"{self.name}{where}: {shown}" + (f"; runs {self.when}" if self.when else "")


@dataclass(frozen=True)
class Explanation:
    """The effect of a send, returned by `explain`; `str()` describes it.

    Attributes:
        signal: the signal.
        sender: the sender.
        heard: the receivers that would be called, in the order of the calls.
        unheard: the other connected receivers, in the order of connection.
    """

    signal: Signal
    sender: object
    heard: tuple[Verdict, ...]
    unheard: tuple[Verdict, ...]

    def __str__(self) -> str:
        by = "no particular sender" if self.sender is None else sender_name(self.sender)
        lines = [f"{signal_name(self.signal)}, sent by {by}"]
        lines += ["  would call" if self.heard else "  would call no receiver"]
        lines += [f"    {place}. {verdict}" for place, verdict in enumerate(self.heard, 1)]
        lines += ["  would not call"] if self.unheard else []
        lines += [f"    -  {verdict}" for verdict in self.unheard]
        return "\n".join(lines)


def explain(signal: AnySignal, sender: object = None, **kwargs: Any) -> Explanation:
    """Return which receivers a send would call, in which order, and why not the others.

    Nothing is sent. Receivers that are muted in the calling context count as muted. For a
    receiver that runs after the commit, it names the transaction and the reason.

    Args:
        signal: the signal.
        sender: the sender; None for no particular one.
        **kwargs: the keywords of the send, as far as they determine the transaction.

    Returns:
        An `Explanation`.

    Raises:
        ArgumentError: if Clarion does not dispatch the signal.
    """
    checked = check_signal(signal)
    route = Table.find_route(table_of(checked), sender)
    probe = Send(checked, {"sender": sender, **kwargs}, route.instruments)
    heard = set(route.heard())
    verdicts = [
        _judge(registration, probe) if registration in heard else _unheard_here(registration)
        for registration in route.registrations
    ]
    on_route = set(route.registrations)
    places = {registration.identity for registration in heard}
    others = [other for other in registrations(signal) if other not in on_route]
    return Explanation(
        checked,
        sender,
        heard=tuple(verdict for verdict in verdicts if verdict.is_heard),
        unheard=(
            *(verdict for verdict in verdicts if not verdict.is_heard),
            *(Verdict(other, False, _why_not(other, sender, places)) for other in others),  # noqa: FBT003
        ),
    )


def _unheard_here(registration: Registration) -> Verdict:
    scope = registration.scope
    is_here = scope is None or scope.is_visible()
    reason = _ANOTHER if is_here else "is connected in another context only"
    return Verdict(registration, is_heard=False, reason=reason)


def _judge(registration: Registration, probe: Send) -> Verdict:
    receiver = registration.live()
    if receiver is None:
        return Verdict(registration, is_heard=False, reason="has died")
    if registration.is_spent:
        return Verdict(registration, is_heard=False, reason="was called once already")
    if not probe.allows(receiver):
        return Verdict(registration, is_heard=False, reason="is muted here")
    delivery = registration.delivery
    when = "" if delivery is None else delivery.explain(probe.signal, **probe.arguments)
    return Verdict(registration, True, _why(registration, probe.sender), when)  # noqa: FBT003


def _why(registration: Registration, sender: object) -> str:
    if registration.sender_key is None:
        return "listens to any sender"
    if isinstance(sender, type) and registration.sender is not sender:
        return f"listens to subclasses of {sender_name(registration.sender)}"
    return "listens to this sender"


def _why_not(
    registration: Registration, sender: object, places: set[tuple[Hashable, Hashable]]
) -> str:
    if registration.identity in places:
        return _ANOTHER
    wanted = registration.sender
    reason = f"listens to {sender_name(wanted)}"
    if isinstance(wanted, type):
        if isinstance(sender, type) and issubclass(sender, wanted):
            reason += ", without subclasses=True"
        elif isinstance(sender, wanted):
            reason += ", the class, not to its instances"
    elif sender == wanted:
        reason += ", which is equal, but another object"
    return reason
