"""The stages of a route: the receivers that run together."""

import gc

from clarion._core.registration import Registration
from clarion._core.route import ASYNC, DEFERRED, INLINE, SYNC, Route, staged
from tests.core.deliveries import Later
from tests.core.receivers import Listener, answering, answering_async, echo


def modes(*registrations):
    """Return mode and size of each stage of these registrations, in order."""
    ordered = tuple(sorted(registrations, key=lambda registration: registration.rank))
    return [(stage.mode, len(stage.registrations)) for stage in staged(ordered)]


def sync(priority=0, *, inline=False):
    """Register a sync receiver."""
    return Registration().fill(answering(1), priority=priority, inline=inline)


def asynchronous(priority=0, *, inline=False):
    """Register an async receiver."""
    return Registration().fill(answering_async(1), priority=priority, inline=inline)


def test_neighbouring_sync_receivers_share_a_stage():
    """Consecutive sync receivers share a stage, whatever their priorities are."""
    assert modes(sync(3), sync(2), sync(1)) == [(SYNC, 3)]


def test_async_receivers_of_equal_priority_share_a_stage():
    """Async receivers of different priorities have different stages."""
    assert modes(asynchronous(), asynchronous(), asynchronous(1)) == [(ASYNC, 1), (ASYNC, 2)]


def test_an_async_receiver_separates_sync_ones():
    """An async receiver between sync receivers separates them."""
    assert modes(sync(1), asynchronous(1), sync(0)) == [(SYNC, 1), (ASYNC, 1), (SYNC, 1)]


def test_inline_receivers_have_stages_of_their_own():
    """Inline sync receivers have separate stages; inline async receivers do not."""
    assert modes(sync(inline=True), sync(), sync(inline=True)) == [
        (INLINE, 1),
        (SYNC, 1),
        (INLINE, 1),
    ]
    assert modes(asynchronous(inline=True), asynchronous()) == [(ASYNC, 2)]


def deferred(priority=0, *, is_async=False):
    """Register a receiver with a delivery."""
    receiver = answering_async(1) if is_async else answering(1)
    return Registration().fill(receiver, priority=priority, delivery=Later())


def test_receivers_with_a_delivery_have_stages_of_their_own():
    """Receivers with a delivery have separate stages because a send calls none of them."""
    registrations = [deferred(3), deferred(2), sync(1), asynchronous(), deferred(is_async=True)]
    assert modes(*registrations) == [(DEFERRED, 2), (SYNC, 1), (ASYNC, 1), (DEFERRED, 1)]


def test_order_comes_before_the_delivery():
    """A receiver between two receivers with a delivery separates them."""
    assert modes(deferred(), sync(), deferred()) == [(DEFERRED, 1), (SYNC, 1), (DEFERRED, 1)]


def test_a_route_with_a_delivery_is_not_simple():
    """A route with a delivery is not on a fast path."""
    for registrations in ([deferred()], [deferred(is_async=True)], [sync(), deferred()]):
        route = Route(registrations)
        assert not route.is_simple
        assert not route.is_inline
        assert (route.strong_receivers, route.single_async, route.live()) == (None, None, None)


def batched(batch, *, is_async=False):
    """Register a receiver whose delivery has this batch."""
    registration = deferred(is_async=is_async)
    registration.delivery.batch = batch
    return registration


def test_the_only_batch_takes_all_receivers():
    """A route has an only batch if all its receivers are sync and have this batch."""
    one, other = object(), object()
    assert Route([batched(one), batched(one)]).only_batch is one
    for mixed in (batched(other), deferred(), sync(), batched(one, is_async=True)):
        assert Route([batched(one), mixed]).only_batch is None
    assert Route([]).only_batch is None


def test_a_watched_route_has_no_only_batch():
    """Instruments see each receiver, so a route with one has no only batch."""
    assert Route([batched(object())], (object(),)).only_batch is None  # type: ignore[arg-type]


def test_no_registrations_have_no_stage():
    """A route without registrations has no stages."""
    assert modes() == []


def test_dead_receivers_are_left_out():
    """A stage yields only its living receivers."""
    listener = Listener()
    dying, staying = Registration().fill(listener.method), Registration().fill(echo)
    (stage,) = staged((dying, staying))
    assert stage.live() == [(dying, listener.method), (staying, echo)]
    del listener
    gc.collect()
    assert stage.live() == [(staying, echo)]
