"""Boundaries, and the active boundaries of a context."""

import pytest

from clarion.commit import (
    ActiveBoundary,
    Boundary,
    active_boundaries,
    on_commit,
    request_boundaries,
)
from clarion.commit.boundary import first_active_boundary
from clarion.errors import BoundaryError
from tests.commit.fakes import FakeBoundary

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestBoundary:
    """A boundary without a transaction."""

    def test_call_without_a_transaction_is_refused(self, signal):
        """A call is refused without a transaction: the caller has to check is_open() first."""
        with pytest.raises(BoundaryError, match=r"no transaction to wait for. Call is_open\(\)"):
            Boundary().add_call(None)  # type: ignore[arg-type]
        assert not Boundary().is_open()
        assert not Boundary().can_await()


class TestActiveBoundaries:
    """The active boundaries of a context."""

    def test_innermost_comes_first(self):
        """The innermost boundary comes first, and ended ones are omitted."""
        one, two, three = (ActiveBoundary(FakeBoundary(name)) for name in ("one", "two", "three"))
        for scope in (one, two, three):
            scope.enter()
        assert list(active_boundaries()) == [three, two, one]
        two.leave()
        assert list(active_boundaries()) == [three, one]
        three.leave()
        assert list(active_boundaries()) == [one]
        one.leave()
        assert list(active_boundaries()) == []

    def test_the_first_is_found_alone(self):
        """The innermost one is found without the others, also where it is over or of a request."""

        def check(expected):
            assert first_active_boundary() is expected
            assert next(active_boundaries(), None) is expected

        outside, mine, others = (ActiveBoundary(FakeBoundary(name)) for name in ("a", "b", "c"))
        check(None)
        outside.enter()
        check(outside)
        others.outer = outside  # another thread of the request has a copy of this context
        token = request_boundaries.set([others])
        check(others)
        mine.enter()
        check(mine)
        mine.is_over = True
        check(others)
        others.is_over = True
        check(outside)
        request_boundaries.reset(token)
        mine.is_over = False
        check(outside)
        mine.leave()
        outside.leave()

    def test_a_second_entry_is_refused(self):
        """An active boundary is entered once, so that it is never around itself."""
        scope = ActiveBoundary(FakeBoundary("one"))
        scope.enter()
        with pytest.raises(BoundaryError, match="Create a new one for each block"):
            scope.enter()
        assert list(active_boundaries()) == [scope]
        scope.leave()

    def test_receivers_wait_for_an_active_boundary(self, signal, calls):
        """Receivers wait for an active boundary, such as a bound session."""
        place = FakeBoundary("session")
        scope = ActiveBoundary(place, "orders")
        scope.enter()
        calls.listen(signal, name="orders", delivery=on_commit(using="orders"))
        signal.send(None, n=1)
        scope.leave()
        assert len(place.calls) == 2
        assert calls == []
