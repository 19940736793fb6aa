"""Which transaction a send belongs to, by the written rule."""

import pytest

from clarion.commit import (
    active_boundaries,
    atomic,
    register_provider,
    run_call,
)
from clarion.commit.resolve import NO_MATCH, resolve_boundary
from clarion.errors import BoundaryError
from clarion.introspect import explain
from tests.commit.fakes import FakeBoundary, FakeProvider

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.fixture
def provider():
    """Return a registered provider."""
    made = FakeProvider()
    register_provider(made)
    return made


def found(signal, using=None, **named):
    """Return the boundary of a send, and the reason."""
    return tuple(resolve_boundary(signal, {"sender": None, **named}, using))


class TestRule:
    """Each part of the rule has priority over those after it."""

    def test_each_part(self, signal, provider):
        """Each part that is added wins over those added before it."""
        assert resolve_boundary(signal, {"sender": None}) is NO_MATCH
        default, orders, named = (
            FakeBoundary("default"),
            FakeBoundary("orders"),
            FakeBoundary("session"),
        )
        provider.default = default
        assert found(signal) == (default, "it is the default")
        with atomic():
            block = next(active_boundaries()).boundary
            assert found(signal) == (block, "it is the innermost in this context")
            provider.aliases["orders"] = orders
            assert found(signal, using="orders")[0] is orders
            assert resolve_boundary(signal, {"sender": None, "using": "orders"}) == (
                orders,
                "it was sent using='orders'",
            )
            arguments = {"sender": None, "using": "orders", "instance": named}
            assert resolve_boundary(signal, arguments) == (named, "instance= is in it")
            assert resolve_boundary(signal, arguments, "orders") == (
                orders,
                "the receiver was connected with using='orders'",
            )

    @pytest.mark.parametrize("using", ["nobody", None, 1, ["orders"]])
    def test_unknown_alias_of_a_send(self, using, signal, provider):
        """An unknown alias of a send is ignored: `using` may be a keyword of receivers."""
        assert resolve_boundary(signal, {"sender": None, "using": using}) is NO_MATCH

    def test_unknown_alias_of_a_receiver(self, signal, provider):
        """A send to a receiver with an unknown alias is refused."""
        with pytest.raises(BoundaryError, match=r"'nobody'.*atomic\(using='nobody'\) around"):
            resolve_boundary(signal, {"sender": None}, "nobody")

    def test_block_has_priority_over_a_database_of_its_alias(self, signal, provider):
        """An active block comes before a database with the same alias."""
        provider.aliases["orders"] = FakeBoundary("orders")
        with atomic(using="orders"):
            assert found(signal, using="orders")[0] is next(active_boundaries()).boundary
        assert found(signal, using="orders")[0] is provider.aliases["orders"]

    def test_first_provider_has_priority(self, signal, provider):
        """Providers are asked in the order of their registration."""
        second = FakeProvider()
        register_provider(second)
        second.default = FakeBoundary("second")
        assert found(signal)[0] is second.default
        provider.default = FakeBoundary("first")
        assert found(signal)[0] is provider.default


class TestIsOpen:
    """Receivers wait for an open boundary only."""

    def test_open_boundary_keeps_the_call(self, signal, calls, provider):
        """An open boundary keeps the call until its transaction ends; explain names it."""
        provider.default = FakeBoundary("the default")
        ((_, scheduled),) = signal.send(None, n=1)
        assert scheduled.boundary == "the default"
        assert calls == []
        (call,) = provider.default.calls
        run_call(call)
        assert calls == [1]
        assert "after the commit of the default: it is the default" in str(explain(signal))

    def test_closed_boundary_runs_the_call_at_once(self, signal, calls, provider):
        """A closed boundary runs the call at once; explain names it."""
        provider.default = FakeBoundary("the default", is_open=False)
        signal.send(None, n=1)
        assert calls == [1]
        assert "no transaction is open on the default: it is the default" in str(explain(signal))

    def test_named_boundary_that_is_closed(self, signal, calls, provider):
        """A send that names a closed boundary does not wait for another one that is open."""
        with atomic():
            signal.send(None, n=1, instance=FakeBoundary("session", is_open=False))
            assert calls == [1]
