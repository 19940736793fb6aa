"""What a signal should do, in the plainest way: a list that is scanned at each send.

Objects are told by tokens, so that the model keeps nothing alive. Who is alive is worked
out from who holds whom: the test itself, strong registrations, and sends under way.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, NamedTuple

Token = int
SendKind = Literal["send", "send_robust", "asend", "asend_robust"]


class Receiver(NamedTuple):
    """A function, or a method of an object; async or not; failing or not."""

    holder: Token
    is_method: bool
    is_async: bool
    fails: bool


class Connect(NamedTuple):
    """Connect a receiver."""

    receiver: Receiver
    sender: Token | None
    weak: bool | None = None
    uid: str | None = None
    priority: int = 0
    once: bool = False
    subclasses: bool = False
    inline: bool = False


class Disconnect(NamedTuple):
    """Disconnect a receiver."""

    receiver: Receiver
    sender: Token | None
    uid: str | None = None


class Drop(NamedTuple):
    """Let go of a function, an object with methods, or a sender."""

    token: Token


class Send(NamedTuple):
    """Send; the first receiver called carries out the actions amid it."""

    kind: SendKind
    sender: Token | None
    amid: tuple["Action", ...] = ()


Action = Connect | Disconnect | Drop | Send


@dataclass(eq=False)
class Entry:
    """One registration."""

    asked: Connect
    spent: bool = False

    @property
    def key(self) -> Hashable:
        """What makes it unique for its sender."""
        return self.asked.uid or self.asked.receiver

    @property
    def is_weak(self) -> bool:
        """Whether it lets its receiver go."""
        weak = self.asked.weak
        return self.asked.receiver.is_method if weak is None else weak

    @property
    def stage(self) -> tuple[int, bool]:
        """Where it stands in the order of a send, but for the order of connection."""
        return -self.asked.priority, self.asked.receiver.is_async


@dataclass
class Model:
    """A signal, its receivers and its senders."""

    entries: list[Entry] = field(default_factory=list)
    held: set[Token] = field(default_factory=set)
    values: set[Token] = field(default_factory=set)
    bases: dict[Token, set[Token]] = field(default_factory=dict)
    under_way: list[set[Token]] = field(default_factory=list)
    log: list[object] = field(default_factory=list)

    def is_alive(self, token: Token) -> bool:
        """Tell whether anybody holds this receiver or sender; values need no holder."""
        strong = {e.asked.receiver.holder for e in self.entries if not e.is_weak}
        return token in self.values | self.held | strong or any(token in s for s in self.under_way)

    def is_class(self, token: Token) -> bool:
        """Tell whether a sender is a class."""
        return token in self.bases

    def has_subclass(self, token: Token) -> bool:
        """Tell whether a living class derives from this one, and so keeps it alive."""
        return any(token in bases and self.is_alive(sub) for sub, bases in self.bases.items())

    def bury(self) -> None:
        """Forget those that have died, until nobody dies of it any more."""
        before = None
        while before != self.entries:
            before = self.entries
            self.entries = [e for e in self.entries if self.can_be_heard(e)]

    def can_be_heard(self, entry: Entry) -> bool:
        """Tell whether an entry's receiver and its sender are alive."""
        sender = entry.asked.sender
        return (not entry.is_weak or self.is_alive(entry.asked.receiver.holder)) and (
            sender is None or self.is_alive(sender)
        )

    def matches(self, entry: Entry, sender: Token | None) -> bool:
        """Tell whether an entry is for this sender."""
        wanted = entry.asked.sender
        if wanted is None or wanted == sender:
            return True
        return entry.asked.subclasses and wanted in self.bases.get(sender or 0, set())

    def heard(self, sender: Token | None) -> list[Entry]:
        """Return who hears this sender, in order."""
        return sorted((e for e in self.entries if self.matches(e, sender)), key=lambda e: e.stage)

    def perform(self, action: Action, *, in_loop: bool = False) -> None:
        """Do it, and log what comes of it."""
        match action:
            case Connect():
                self.connect(action)
            case Disconnect():
                self.disconnect(action)
            case Drop(token):
                if not self.has_subclass(token):
                    self.held.discard(token)
            case Send() if action.sender is None or self.is_alive(action.sender):
                self.send(action, in_loop=in_loop)
        self.bury()

    def is_possible(self, *tokens: Token | None) -> bool:
        """Tell whether the test still has these at hand."""
        return all(t is None or t in self.held or t in self.values for t in tokens)

    def connect(self, asked: Connect) -> None:
        """Add an entry, unless its key is taken."""
        if not self.is_possible(asked.receiver.holder, asked.sender):
            return
        if asked.subclasses and not self.is_class(asked.sender or 0):
            self.log.append("refused to connect")
            return
        entry = Entry(asked)
        if not any(e.key == entry.key and e.asked.sender == asked.sender for e in self.entries):
            self.entries.append(entry)

    def disconnect(self, asked: Disconnect) -> None:
        """Remove an entry, and log whether there was one."""
        if not self.is_possible(asked.receiver.holder, asked.sender):
            return
        key = asked.uid or asked.receiver
        kept = [e for e in self.entries if (e.key, e.asked.sender) != (key, asked.sender)]
        self.log.append(("disconnected", len(kept) != len(self.entries)))
        self.entries = kept

    def send(self, action: Send, *, in_loop: bool) -> None:
        """Call who hears it, and log the answers or what was raised."""
        if not self.is_possible(action.sender):
            return
        heard = self.heard(action.sender)
        if in_loop and not action.kind.startswith("a"):
            waiting = any(e.asked.receiver.is_async for e in heard)
            if waiting:
                self.log.append("refused to send")
                return
        holders = {e.asked.receiver.holder for e in heard}
        self.under_way.append(holders | {action.sender or 0})
        self.log.append(self.outcome(heard, action))
        self.under_way.pop()

    def outcome(self, heard: list[Entry], action: Send) -> object:
        """Call them, stage by stage."""
        is_robust = action.kind.endswith("robust")
        answers: list[object] = []
        amid = list(action.amid)
        for called in self.stages(heard):
            for entry in called:
                self.carry_out(amid, entry, action.kind)
            errors = [e.asked.receiver for e in called if self.fails(e, action)]
            if errors and not is_robust:
                return "raised", sorted(errors)
            answers += [
                (e.asked.receiver, "failed" if self.fails(e, action) else "answered")
                for e in called
            ]
        return answers

    @staticmethod
    def fails(entry: Entry, action: Send) -> bool:
        """Tell whether a receiver raises; an async one only if nothing happens amid the send."""
        receiver = entry.asked.receiver
        return receiver.fails and not (receiver.is_async and action.amid)

    def stages(self, heard: list[Entry]) -> Iterator[list[Entry]]:
        """Yield those who are called together: the async ones of a priority, sync ones alone."""
        for (_, is_async), group in groupby(heard, lambda entry: entry.stage):
            if is_async:
                yield [entry for entry in list(group) if self.claim(entry)]
            else:
                yield from ([entry] for entry in group if self.claim(entry))

    def claim(self, entry: Entry) -> bool:
        """Tell whether an entry is to be called; one that is called once leaves."""
        if entry.spent:
            return False
        if entry.asked.once:
            entry.spent = True
            self.entries = [e for e in self.entries if e is not entry]
        return True

    def carry_out(self, amid: list[Action], entry: Entry, kind: SendKind) -> None:
        """Have the first receiver called carry out what happens amid the send."""
        receiver = entry.asked.receiver
        in_loop = receiver.is_async or (entry.asked.inline and kind.startswith("a"))
        while amid:
            self.perform(adapted(amid.pop(0), receiver, in_loop=in_loop), in_loop=in_loop)


def adapted(action: Action, receiver: Receiver, *, in_loop: bool) -> Action:
    """Return the action as this receiver can do it: a sync one on the loop cannot await."""
    if isinstance(action, Send) and in_loop and not receiver.is_async:
        kind: Any = action.kind.removeprefix("a")
        return action._replace(kind=kind)
    return action
