"""A graph as data: signals, the senders that receivers listen to, receivers, and the connections."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from clarion.listing import is_of_framework, reading_order

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

ANY_SENDER = "any sender"


class Node(NamedTuple):
    """A signal, a sender or a receiver.

    Attributes:
        id: made from the kind and the name, so that it stays the same when lines move.
        kind: "sender", "signal" or "receiver".
        name: the dotted name; `any sender` for receivers of every sender.
    """

    id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ConnectedReceiver:
    """One receiver, connected to one signal.

    Attributes:
        signal: the dotted name of the signal.
        receiver: the dotted name of the receiver.
        sender: the name of the sender that it listens to; None for any.
        file: the file of the receiver, below the folder that it is imported from; None if unknown.
        line: its line; None if unknown. A comparison ignores file and line.
        mode: "sync" or "async".
        priority: as given to `connect`, like the attributes below.
        once: whether it is called only once.
        subclasses: whether it also listens to the subclasses of its sender.
        inline: whether `asend` calls it in the thread of the event loop.
        weak: whether it is held weakly.
        delivery: the delivery in words, such as `on_commit`; None if the send calls it.
        dispatch_uid: the `dispatch_uid`; None without one.
    """

    signal: str
    receiver: str
    sender: str | None = None
    file: str | None = None
    line: int | None = None
    mode: str = "sync"
    priority: int = 0
    once: bool = False
    subclasses: bool = False
    inline: bool = False
    weak: bool = False
    delivery: str | None = None
    dispatch_uid: str | None = None

    @property
    def sender_or_any(self) -> str:
        """The name of the sender, or `any sender`."""
        return ANY_SENDER if self.sender is None else self.sender

    def options(self) -> dict[str, object]:
        """Return what a comparison compares: all but the names, the file and the line."""
        return {name: getattr(self, name) for name in OPTIONS}

    def words(self) -> list[str]:
        """Return the options that differ from the defaults, in words."""
        words = ["async"] if self.mode == "async" else []
        words += [f"priority {self.priority}"] if self.priority else []
        words += [self.delivery] if self.delivery else []
        return words + [flag for flag in FLAGS if getattr(self, flag)]

    def label(self) -> str:
        """Return its label in a drawing: the sender, unless it is any, and the options."""
        sender = [] if self.sender is None else [f"of {self.sender}"]
        return ", ".join(sender + self.words())


FLAGS = ("once", "subclasses", "inline", "weak")
OPTIONS = ("sender", "mode", "priority", "delivery", *FLAGS, "dispatch_uid")


class Graph:
    """The connections of a program, always in the same order.

    Args:
        connections: the connections, in any order.
        signals: the names of more signals, such as those without receivers.

    Attributes:
        connections: the connections, sorted by signal and receiver.
        signals: the nodes of the signals, sorted by name. The program's own come first, then those of
            Django and Clarion that have a receiver of the program, then the others.
        senders: the nodes of the senders that receivers listen to, the program's own first.
        receivers: the nodes of the receivers, the program's own first.
    """

    def __init__(
        self, connections: Iterable[ConnectedReceiver], signals: Iterable[str] = ()
    ) -> None:
        self.connections = tuple(sorted(connections, key=_rank))
        named = {each.signal for each in self.connections}
        own = {each.signal for each in self.connections if not is_of_framework(each.receiver)}
        self.signals = _nodes("signal", named.union(signals), own)
        self.senders = _nodes("sender", {each.sender_or_any for each in self.connections})
        self.receivers = _nodes("receiver", {each.receiver for each in self.connections})

    @property
    def links(self) -> list[tuple[str, str]]:
        """Each sender with each signal of it that a receiver listens to, as names."""
        found = {(each.sender_or_any, each.signal) for each in self.connections}
        return sorted(found, key=lambda link: [*map(reading_order, link)])

    def __repr__(self) -> str:
        counted = f"{len(self.signals)} signals, {len(self.receivers)} receivers"
        return f"<Graph of {counted}, {len(self.connections)} connections>"


def node_id(kind: str, name: str) -> str:
    """Return the id of a node: letters, digits and an underscore."""
    return f"{kind}_{sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:12]}"


def _nodes(kind: str, names: Iterable[str], own: Container[str] = ()) -> tuple[Node, ...]:
    ordered = sorted(names, key=lambda name: reading_order(name, has_own=name in own))
    return tuple(Node(node_id(kind, name), kind, name) for name in ordered)


def _rank(connection: ConnectedReceiver) -> tuple[list[tuple[bool, bool, str]], list[str]]:
    # By text, because None cannot be compared; the sender comes with the options.
    options = [*map(str, connection.options().values()), str(connection.file)]
    return [reading_order(connection.signal), reading_order(connection.receiver)], options
