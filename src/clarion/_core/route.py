"""Routes: the immutable receivers of one sender, precomputed for each path of a send.

The fast path needs the receivers only. The slow path needs them in stages: receivers that
run in the same way. Sync receivers in a row share one call of a worker thread in `asend`,
receivers with `inline=True` need none, and async ones of equal priority run concurrently.
A receiver with a delivery is called by the delivery.
"""

from __future__ import annotations

from clarion._core.scopes import applicable, depends_on_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from clarion._core.instrument import Instrument
    from clarion._core.registration import Registration
    from clarion._core.signatures import Receiver
    from clarion.delivery import Batch

    Members = Sequence[tuple[Registration, Receiver]]
    LiveStages = list[tuple[str, Members]]

# How the receivers of one stage are run by `asend`. `send` calls SYNC ones in its own thread.
SYNC = "sync"  # together, in one worker thread
INLINE = "inline"  # in the thread of the send
ASYNC = "async"  # awaited, concurrently
DEFERRED = "deferred"  # by their deliveries


class Route:
    """The registrations of one sender when the route was built.

    Attributes:
        registrations: all of them, in the order of a send.
        instruments: the instruments that watch its sends.
        is_simple: whether a send only has to call the receivers.
        strong_receivers: the receivers, if it is simple and none is held weakly.
        is_inline: whether `asend` only has to call them, too.
        single_async: the only registration, if `asend` only has to await its receiver.
        only_batch: the batch that takes all receivers, if a send only has to give it their calls.
        strong_members: the registrations with their receivers, if there is such a batch and none is
            held weakly.
        may_await: whether any receiver is async.
        depends_on_context: whether some registrations apply in some contexts only.
    """

    __slots__ = (
        "_live_stages",
        "_stages",
        "depends_on_context",
        "instruments",
        "is_inline",
        "is_simple",
        "may_await",
        "only_batch",
        "registrations",
        "single_async",
        "strong_members",
        "strong_receivers",
    )

    def __init__(
        self, registrations: Iterable[Registration], instruments: tuple[Instrument, ...] = ()
    ) -> None:
        ranked = tuple(sorted(registrations, key=_rank))
        self.depends_on_context = False
        if any(r.scope is not None for r in ranked):
            self.depends_on_context = depends_on_context(ranked)
            ranked = ranked if self.depends_on_context else applicable(ranked)
        self.registrations = ranked
        self.instruments = instruments
        self._stages: tuple[Stage, ...] | None = None
        self._live_stages: LiveStages | None = None
        self.may_await = any(r.is_async for r in self.registrations)
        self.strong_receivers: tuple[Receiver, ...] | None = None
        is_plain = not instruments and not self.depends_on_context
        self.is_simple = is_plain and all(r.is_simple for r in self.registrations)
        self.is_inline = self.is_simple and all(r.inline for r in self.registrations)
        self.single_async: Registration | None = None
        if self.is_simple and not any(r.weak for r in self.registrations):
            self.strong_receivers = tuple(r.live() for r in self.registrations)  # type: ignore[misc]
        elif is_plain and len(self.registrations) == 1 and self.registrations[0].is_simple_async:
            self.single_async = self.registrations[0]
        is_batched = is_plain and not self.may_await
        self.only_batch = _common_batch(self.registrations) if is_batched else None
        self.strong_members: Members | None = None
        if self.only_batch is not None and not any(r.weak for r in self.registrations):
            self.strong_members = self.live_members()

    def live(self) -> list[Receiver] | None:
        """Return the live receivers, or None if a send has more to do than to call them."""
        if not self.is_simple:
            return None
        return [receiver for r in self.registrations if (receiver := r.live()) is not None]

    def live_members(self) -> Members:
        """Return the registrations with a live receiver, each with the receiver."""
        return [(r, receiver) for r in self.registrations if (receiver := r.live()) is not None]

    def heard(self) -> tuple[Registration, ...]:
        """Return the registrations that a send of this context calls."""
        return applicable(self.registrations) if self.depends_on_context else self.registrations

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The registrations, grouped by how they are run."""
        if self._stages is None:
            self._stages = tuple(staged(self.registrations))
        return self._stages

    def live_stages(self) -> LiveStages:
        """Return the live receivers by stages, each with its mode.

        The send holds them until it ends, so that none dies meanwhile.
        """
        if self._live_stages is not None:
            return self._live_stages
        if self.depends_on_context:
            return [(stage.mode, stage.live()) for stage in staged(self.heard())]
        stages = [(stage.mode, stage.live()) for stage in self.stages]
        if not any(registration.weak for registration in self.registrations):
            self._live_stages = stages
        return stages


def batch_of(registration: Registration) -> Batch | None:
    """Return the batch that takes the receiver of this registration, or None."""
    return getattr(registration.delivery, "batch", None)


def _common_batch(registrations: tuple[Registration, ...]) -> Batch | None:
    """Return the batch that takes all these registrations, with the arguments of the send; or None."""
    batches = {None if each.requested else batch_of(each) for each in registrations}
    return batches.pop() if len(batches) == 1 else None


def _rank(registration: Registration) -> tuple[int, bool, int]:
    return registration.rank


class Bucket:
    """The registrations of one sender, and the route built from them.

    Attributes:
        key: the key of the sender; None for any sender.
        members: the registrations, by key, in order of connection.
        route: the route, or None if the next send has to build it.
        sender_of: returns the sender; None if it has died.
    """

    __slots__ = ("key", "members", "route", "sender_of")

    def __init__(self, key: Hashable, sender_of: Callable[[], object]) -> None:
        self.key = key
        self.members: dict[Hashable, Registration] = {}
        self.route: Route | None = None
        self.sender_of = sender_of


class Stage:
    """Neighbours in a route that run in the same way.

    Attributes:
        mode: SYNC, INLINE, ASYNC or DEFERRED.
        registrations: the registrations, in order. Those of an ASYNC stage have equal
            priority and run concurrently.
    """

    __slots__ = ("_live", "mode", "registrations")

    def __init__(self, mode: str, registrations: tuple[Registration, ...]) -> None:
        self.mode = mode
        self.registrations = registrations
        # If none can die, the result never changes.
        self._live = None if any(r.weak for r in registrations) else self._alive()

    def live(self) -> Sequence[tuple[Registration, Receiver]]:
        """Return the registrations with a live receiver, each with the receiver."""
        return self._alive() if self._live is None else self._live

    def _alive(self) -> list[tuple[Registration, Receiver]]:
        return [(r, receiver) for r in self.registrations if (receiver := r.live()) is not None]


def staged(registrations: tuple[Registration, ...]) -> Iterator[Stage]:
    """Group the registrations of a route, in their order, by how they are run."""
    # Sync receivers of any priority share a thread; async ones of different priorities must
    # not run concurrently.
    from itertools import groupby

    def kind(registration: Registration) -> tuple[str, int]:
        if registration.delivery is not None:
            return DEFERRED, 0
        if registration.is_async:
            return ASYNC, registration.priority
        return (INLINE if registration.inline else SYNC), 0

    for (mode, _), members in groupby(registrations, kind):
        yield Stage(mode, tuple(members))
