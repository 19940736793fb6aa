"""The table of a signal: its registrations, and the routes built from them.

Registrations are kept in buckets: one for each sender that a receiver is connected to, and
one for any sender. The route of a bucket holds the receivers of that sender. It is built at
the first send after a change, and the next change drops it. So a send only reads and never
waits, connecting inserts into a dictionary, and a sender without receivers takes no memory.
"""

from __future__ import annotations

from collections import deque
from weakref import ref

from clarion._core import instrument, lifetimes, send_log
from clarion._core.locks import Lock, acquire
from clarion._core.policy import ANY_KEYWORD
from clarion._core.registration import BY_VALUE, no_sender, sender_key
from clarion._core.route import Bucket, Route
from clarion._core.scopes import find_scoped
from clarion._core.tabled import repair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock
    from collections.abc import Callable, Hashable, Iterable
    from typing import Any

    from clarion._core.instrument import Instrument
    from clarion._core.methods import ReceiverRef
    from clarion._core.policy import Policy
    from clarion._core.registration import Registration

    OnListening = Callable[[object, bool], None]


class Table:
    """The registrations of one signal, and the routes of its senders.

    Attributes:
        any_sender: the bucket of the receivers that listen to any sender.
        buckets: the other buckets, by the key of their sender.
        instruments: the instruments attached to this signal.
        name: the name of the signal; None until it is given or looked up.
        home: the module in which the signal was created, if known.
        searched: the number of modules at the last search for the name.
        subclass_registrations: the registrations with `subclasses=True`.
        dead: the references of receivers that have died, to be removed.
        finalizer: the callback of the weak references to receivers.
        policy: how this kind of signal behaves.
        keywords, own_sends: those of the policy, which the compiled send reads.
        on_listening: called with a sender (None: any) and whether its subclasses count, when a
            receiver or an instrument begins to listen. Or None.
        guard: an object, the name of an attribute and the value it must have, or None. If the
            attribute has another value, the compiled send calls `find_route`.
    """

    # The compiled send reads these slots at their offsets.
    __slots__ = (
        "__weakref__",
        "_built",
        "_version",
        "any_sender",
        "buckets",
        "dead",
        "finalizer",
        "guard",
        "home",
        "instruments",
        "keywords",
        "lock",
        "name",
        "on_listening",
        "own_sends",
        "policy",
        "searched",
        "subclass_registrations",
    )

    def __init__(
        self, name: str | None = None, home: str | None = None, policy: Policy = ANY_KEYWORD
    ) -> None:
        self.name = name
        self.home = home
        self.policy = policy
        self.keywords = policy.keywords
        self.own_sends = policy.own_sends
        self.on_listening: OnListening | None = None
        self.searched = 0
        self.any_sender = Bucket(None, no_sender)
        self.buckets: dict[Hashable, Bucket] = {}
        self.instruments: tuple[Instrument, ...] = ()
        self.dead: deque[ReceiverRef] = deque()
        self.finalizer = lifetimes.finalizer(ref(self))
        # Reentrant: a garbage collection during a connect may run a finalizer that connects
        # or disconnects in the same thread.
        self.lock: RLock = Lock()
        self._built: dict[Hashable, Bucket] = {}
        self._version = 0
        self.subclass_registrations: set[Registration] = set()
        self.guard: tuple[object, str, object] | None = None

    # Every send calls these.

    def find_route(self, sender: object) -> Route:
        """Return the route of a sender. It never waits for a lock."""
        bucket = self.any_sender
        if self.buckets:
            found = self.buckets.get(id(sender))
            bucket = self._look_further(sender) if found is None else found
        return bucket.route or self._build(bucket)

    def _look_further(self, sender: object) -> Bucket:
        if issubclass(type(sender), BY_VALUE):
            return self.buckets.get(sender_key(sender), self.any_sender)
        if not self.subclass_registrations or not issubclass(type(sender), type):
            return self.any_sender
        found = self._built.get(id(sender))
        if found is None and self._relatives(sender):
            # A class without receivers of its own: the bucket only holds the route.
            found = Bucket(id(sender), lambda: sender)
        return found or self.any_sender

    def _relatives(self, sender: Any) -> list[Registration]:
        """Return the registrations for subclasses of a base class of the sender."""
        # By type(), as in `sender_key`.
        if not self.subclass_registrations or not issubclass(type(sender), type):
            return []
        return [
            registration
            for base in sender.__mro__[1:]
            if (bucket := self.buckets.get(id(base))) is not None
            for registration in list(bucket.members.values())
            if registration.subclasses
        ]

    def _build(self, bucket: Bucket) -> Route:
        if not send_log.is_watching:
            send_log.watch()
        while True:
            version = self._version
            # By list(): a finalizer inside dict.copy() or items() damages the copy (CPython 3.11).
            registrations = list(self.any_sender.members.values())
            if bucket is not self.any_sender:
                registrations += list(bucket.members.values())
                registrations += self._relatives(bucket.sender_of())
            route = Route(registrations, self.instruments + instrument.everywhere)
            # While another thread connects, a send does not wait, and uses this route once.
            if not acquire(self.lock, 0):
                return route
            try:
                self._purge_dead()
                if self._keep(bucket, route, version):
                    return route
            finally:
                self.lock.release()

    def _keep(self, bucket: Bucket, route: Route, version: int) -> bool:
        """Keep a route unless the table has changed since `version`; the lock is held."""
        found = self._bucket_at(bucket.key)
        if found is None and self._relatives(sender := bucket.sender_of()):
            bucket.sender_of = lifetimes.remember(self, sender, bucket.key)
        elif found is not bucket:
            # The bucket was closed meanwhile, so no change would drop its route.
            return version == self._version
        # A finalizer can run at any call and change the table in this thread; nothing below
        # makes a call.
        if version != self._version:
            return False
        self._built[bucket.key] = bucket
        bucket.route = route
        return True

    # Every change calls these. A signal handler may raise at any call, so `repair` completes the change.

    def add(self, registration: Registration, sender: object = None) -> bool:
        """Add a registration unless its key is taken for its sender; return whether."""
        key = registration.sender_key
        with self.lock:
            try:
                if self.dead:
                    self._purge_dead()
                if registration.scope is not None and registration.scope.is_over:
                    return False
                bucket = self.any_sender if key is None else self._open(key, sender)
                registration.sender_of = bucket.sender_of
                found = bucket.members.setdefault(registration.key, registration)
                if found is not registration:
                    # A spent one is about to be discarded, so it does not count.
                    return found.is_spent and self.discard(found) and self.add(registration, sender)
                if key is not None and self.buckets.get(key) is not bucket:
                    # A finalizer has emptied and closed the bucket meanwhile.
                    return self.add(registration, sender)
                if registration.subclasses:
                    self.subclass_registrations.add(registration)
                self._version += 1
                if self._built:
                    self._drop_routes_of(bucket, registration)
            except BaseException:
                repair(self)
                raise
            return True

    def put(self, registration: Registration, sender: object = None) -> Registration | None:
        """Add a registration, and return the one with the same key that it replaces, or None."""
        key = registration.sender_key
        with self.lock:
            found = self.find_registration(registration.key, key)
            bucket = self._bucket_at(key)
            if found is None or bucket is None or found is not bucket.members.get(found.key):
                self.add(registration, sender)
                return None
            registration.sender_of, registration.order = bucket.sender_of, found.order
            self._take_out(bucket, found, registration)
            return found

    def remove(self, key: Hashable, of_sender: Hashable) -> bool:
        """Remove the registration of a key for a sender; return whether it existed."""
        with self.lock:
            if self.dead:
                self._purge_dead()
            bucket = self.any_sender if of_sender is None else self.buckets.get(of_sender)
            members: dict[Hashable, Registration] = {} if bucket is None else bucket.members
            registration = members.get(key) or find_scoped(members, key)
            if bucket is None or registration is None:
                return False
            self._take_out(bucket, registration)
            return True

    def discard(self, registration: Registration) -> bool:
        """Remove this registration object; return whether it was in the table."""
        with self.lock:
            bucket = self._bucket_at(registration.sender_key)
            if bucket is None or bucket.members.get(registration.key) is not registration:
                return False
            self._take_out(bucket, registration)
            return True

    def find_registration(self, key: Hashable, of_sender: Hashable) -> Registration | None:
        """Return the registration of a key for a sender, or None."""
        with self.lock:
            self._purge_dead()
            bucket = self._bucket_at(of_sender)
            return None if bucket is None else bucket.members.get(key)

    def registrations(self) -> list[Registration]:
        """Return all registrations with a live receiver, in order of connection."""
        with self.lock:
            self._purge_dead()
            buckets = (self.any_sender, *list(self.buckets.values()))
            found = [r for bucket in buckets for r in list(bucket.members.values())]
        return sorted(found, key=lambda registration: registration.order)

    def replace(self, registrations: Iterable[Registration]) -> None:
        """Replace all registrations by these; leave out those that have died."""
        with self.lock:
            for registration in self.registrations():
                self.discard(registration)
            for registration in registrations:
                # Held until it is added, so that it cannot die unnoticed.
                receiver, sender = registration.live(), registration.sender
                if receiver is None or (sender is None and registration.sender_key is not None):
                    continue
                self.add(registration, sender)

    def forget_routes(self) -> None:
        """Drop all routes, because instruments were attached or detached."""
        with self.lock:
            self._version += 1
            self.drop_routes()
        watching = self.instruments + instrument.everywhere
        if self.on_listening is not None and any(each.listens for each in watching):
            self.on_listening(None, True)  # noqa: FBT003

    def drop_routes(self) -> None:
        """Drop all routes, so that the next sends build them; the lock is held.

        A bucket with a route stays in `_built`. A finalizer may send, and build one again.
        """
        built = self._built
        while built:
            for key in list(built):
                if (bucket := built.get(key)) is not None:
                    bucket.route = None
                    if built.get(key) is bucket and bucket.route is None:
                        built.pop(key, None)

    def _open(self, key: Hashable, sender: object) -> Bucket:
        """Return the bucket of a sender, created if necessary; the lock is held."""
        if (bucket := self.buckets.get(key)) is None:
            bucket = Bucket(key, lifetimes.remember(self, sender, key))
            bucket = self.buckets.setdefault(key, bucket)
        return bucket

    def close_bucket(self, key: Hashable) -> None:
        """Drop the bucket of a sender that has died, without the lock."""
        # At once, because the id can be reused when the callback returns.
        self._built.pop(key, None)
        closed = list(self.buckets.pop(key, self.any_sender).members.values())
        self.subclass_registrations.difference_update(closed)

    def _take_out(
        self, bucket: Bucket, registration: Registration, successor: Registration | None = None
    ) -> None:
        """Remove a registration from its bucket, or replace it; the lock is held."""
        try:
            if successor is None:
                # A finalizer may have removed it meanwhile.
                bucket.members.pop(registration.key, None)
            else:
                bucket.members[registration.key] = successor
            if registration.subclasses:
                self.subclass_registrations.discard(registration)
            if successor is not None and successor.subclasses:
                self.subclass_registrations.add(successor)
                self.drop_routes()
            self._version += 1
            if self._built:
                self._drop_routes_of(bucket, registration)
            if not bucket.members and bucket is not self.any_sender:
                self.buckets.pop(bucket.key, None)
                self._built.pop(bucket.key, None)
        except BaseException:
            repair(self)
            raise

    def _drop_routes_of(self, bucket: Bucket, registration: Registration) -> None:
        """Drop the routes that a registration belongs to; the lock is held."""
        if bucket is self.any_sender or registration.subclasses:
            self.drop_routes()
        else:
            bucket.route = None

    def _purge_dead(self) -> None:
        """Remove the registrations of dead receivers; the lock is held."""
        while self.dead:
            died = self.dead.popleft()
            if (bucket := self._bucket_at(died.sender_key)) is None:
                continue
            registration = bucket.members.get(died.registration_key)
            if registration is not None and registration.is_held_by(died):
                self._take_out(bucket, registration)

    def _bucket_at(self, key: Hashable) -> Bucket | None:
        return self.any_sender if key is None else self.buckets.get(key)
