"""Boundaries, and which of them a context is in."""

import pytest

from clarion.commit import (
    ActiveBoundary,
    Boundary,
    active_boundaries,
    on_commit,
)
from clarion.errors import BoundaryError
from tests.commit.fakes import FakeBoundary

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestBoundary:
    """A boundary without a transaction."""

    def test_nothing_can_wait_for_nothing(self, signal):
        """Who asks a boundary that is none is told."""
        with pytest.raises(BoundaryError, match=r"no transaction to wait for. Call is_open\(\)"):
            Boundary().add_call(None)  # type: ignore[arg-type]
        assert not Boundary().is_open()
        assert not Boundary().can_await()


class TestScopes:
    """What is in force in a context."""

    def test_the_innermost_comes_first(self):
        """And those that are over not at all."""
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

    def test_one_that_is_bound_by_hand(self, signal, heard):
        """A bound session, say, is waited for as a block."""
        place = FakeBoundary("session")
        scope = ActiveBoundary(place, "orders")
        scope.enter()
        heard.listen(signal, name="orders", delivery=on_commit(using="orders"))
        signal.send(None, n=1)
        scope.leave()
        assert len(place.calls) == 2
        assert heard == []
