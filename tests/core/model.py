"""A model of a signal: a plain list that each send scans.

Tokens represent the objects, so that the model keeps none alive. An object is alive while the
test, a strong registration or a running send holds it.
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
    """Release a function, an object with methods, or a sender."""

    token: Token


class Send(NamedTuple):
    """Send; the first receiver that is called performs the nested actions."""

    kind: SendKind
    sender: Token | None
    nested: tuple["Action", ...] = ()


Action = Connect | Disconnect | Drop | Send


@dataclass(eq=False)
class Entry:
    """One registration."""

    asked: Connect
    spent: bool = False

    @property
    def key(self) -> Hashable:
        """What makes the entry unique for its sender."""
        return self.asked.uid or self.asked.receiver

    @property
    def is_weak(self) -> bool:
        """Whether the registration holds its receiver weakly."""
        weak = self.asked.weak
        return self.asked.receiver.is_method if weak is None else weak

    @property
    def stage(self) -> tuple[int, bool]:
        """The sort key in the order of a send, before the order of connection."""
        return -self.asked.priority, self.asked.receiver.is_async


@dataclass
class Model:
    """A signal, its receivers and its senders."""

    entries: list[Entry] = field(default_factory=list)
    held: set[Token] = field(default_factory=set)
    values: set[Token] = field(default_factory=set)
    bases: dict[Token, set[Token]] = field(default_factory=dict)
    running: list[set[Token]] = field(default_factory=list)
    log: list[object] = field(default_factory=list)

    def is_alive(self, token: Token) -> bool:
        """Return whether the test or the signal holds the object; values are always alive."""
        strong = {e.asked.receiver.holder for e in self.entries if not e.is_weak}
        return token in self.values | self.held | strong or any(token in s for s in self.running)

    def is_class(self, token: Token) -> bool:
        """Return whether a sender is a class."""
        return token in self.bases

    def has_subclass(self, token: Token) -> bool:
        """Return whether a class has a living subclass, which keeps it alive."""
        return any(token in bases and self.is_alive(sub) for sub, bases in self.bases.items())

    def remove_dead(self) -> None:
        """Remove dead entries until no removal causes another death."""
        before = None
        while before != self.entries:
            before = self.entries
            self.entries = [e for e in self.entries if self.is_entry_alive(e)]

    def is_entry_alive(self, entry: Entry) -> bool:
        """Return whether an entry's receiver and its sender are alive."""
        sender = entry.asked.sender
        return (not entry.is_weak or self.is_alive(entry.asked.receiver.holder)) and (
            sender is None or self.is_alive(sender)
        )

    def matches(self, entry: Entry, sender: Token | None) -> bool:
        """Return whether an entry receives sends of this sender."""
        registered = entry.asked.sender
        if registered is None or registered == sender:
            return True
        return entry.asked.subclasses and registered in self.bases.get(sender or 0, set())

    def receiving(self, sender: Token | None) -> list[Entry]:
        """Return the entries that receive a send of this sender, in order."""
        return sorted((e for e in self.entries if self.matches(e, sender)), key=lambda e: e.stage)

    def perform(self, action: Action, *, in_loop: bool = False) -> None:
        """Perform an action and log its result."""
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
        self.remove_dead()

    def is_available(self, *tokens: Token | None) -> bool:
        """Return whether the test still holds these objects."""
        return all(t is None or t in self.held or t in self.values for t in tokens)

    def connect(self, asked: Connect) -> None:
        """Add an entry, unless its key exists."""
        if not self.is_available(asked.receiver.holder, asked.sender):
            return
        if asked.subclasses and not self.is_class(asked.sender or 0):
            self.log.append("refused to connect")
            return
        entry = Entry(asked)
        if not any(e.key == entry.key and e.asked.sender == asked.sender for e in self.entries):
            self.entries.append(entry)

    def disconnect(self, asked: Disconnect) -> None:
        """Remove an entry, and log whether it existed."""
        if not self.is_available(asked.receiver.holder, asked.sender):
            return
        key = asked.uid or asked.receiver
        kept = [e for e in self.entries if (e.key, e.asked.sender) != (key, asked.sender)]
        self.log.append(("disconnected", len(kept) != len(self.entries)))
        self.entries = kept

    def send(self, action: Send, *, in_loop: bool) -> None:
        """Call the receivers, and log the responses or the error."""
        if not self.is_available(action.sender):
            return
        receiving = self.receiving(action.sender)
        if in_loop and not action.kind.startswith("a"):
            waiting = any(e.asked.receiver.is_async for e in receiving)
            if waiting:
                self.log.append("refused to send")
                return
        holders = {e.asked.receiver.holder for e in receiving}
        self.running.append(holders | {action.sender or 0})
        self.log.append(self.outcome(receiving, action))
        self.running.pop()

    def outcome(self, receiving: list[Entry], action: Send) -> object:
        """Call the receivers, stage by stage; return the responses or the errors."""
        is_robust = action.kind.endswith("robust")
        answers: list[object] = []
        nested = list(action.nested)
        for called in self.stages(receiving):
            for entry in called:
                self.perform_nested(nested, entry, action.kind)
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
        """Return whether a receiver raises; an async one only without nested actions."""
        receiver = entry.asked.receiver
        return receiver.fails and not (receiver.is_async and action.nested)

    def stages(self, receiving: list[Entry]) -> Iterator[list[Entry]]:
        """Yield the entries that run together: async ones of one priority, sync ones alone."""
        for (_, is_async), group in groupby(receiving, lambda entry: entry.stage):
            if is_async:
                yield [entry for entry in list(group) if self.claim(entry)]
            else:
                yield from ([entry] for entry in group if self.claim(entry))

    def claim(self, entry: Entry) -> bool:
        """Return whether an entry is called; remove it if it is called once only."""
        if entry.spent:
            return False
        if entry.asked.once:
            entry.spent = True
            self.entries = [e for e in self.entries if e is not entry]
        return True

    def perform_nested(self, nested: list[Action], entry: Entry, kind: SendKind) -> None:
        """Let the first receiver that is called perform the nested actions."""
        receiver = entry.asked.receiver
        in_loop = receiver.is_async or (entry.asked.inline and kind.startswith("a"))
        while nested:
            self.perform(adapted(nested.pop(0), receiver, in_loop=in_loop), in_loop=in_loop)


def adapted(action: Action, receiver: Receiver, *, in_loop: bool) -> Action:
    """Return the action for this receiver: a sync receiver in a loop cannot await."""
    if isinstance(action, Send) and in_loop and not receiver.is_async:
        kind: Any = action.kind.removeprefix("a")
        return action._replace(kind=kind)
    return action
