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
    """Open a provider."""
    made = FakeProvider()
    register_provider(made)
    return made


def found(signal, using=None, **named):
    """Return the boundary of a send, and why."""
    return tuple(resolve_boundary(signal, {"sender": None, **named}, using))


class TestRule:
    """Each part of the rule comes before those after it."""

    def test_each_part(self, signal, provider):
        """From the last to the first."""
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
            told = {"sender": None, "using": "orders", "instance": named}
            assert resolve_boundary(signal, told) == (named, "instance= is in it")
            assert resolve_boundary(signal, told, "orders") == (
                orders,
                "the receiver was connected with using='orders'",
            )

    @pytest.mark.parametrize("using", ["nobody", None, 1, ["orders"]])
    def test_an_alias_of_the_send_that_nobody_knows(self, using, signal, provider):
        """It may mean something else to the receivers, so it decides nothing."""
        assert resolve_boundary(signal, {"sender": None, "using": using}) is NO_MATCH

    def test_an_alias_of_the_receiver_that_nobody_knows(self, signal, provider):
        """It is refused, with the cure."""
        with pytest.raises(BoundaryError, match=r"'nobody'.*atomic\(using='nobody'\) around"):
            resolve_boundary(signal, {"sender": None}, "nobody")

    def test_a_block_comes_before_a_database_of_the_same_alias(self, signal, provider):
        """The nearer of the two."""
        provider.aliases["orders"] = FakeBoundary("orders")
        with atomic(using="orders"):
            assert found(signal, using="orders")[0] is next(active_boundaries()).boundary
        assert found(signal, using="orders")[0] is provider.aliases["orders"]

    def test_the_first_provider_that_knows(self, signal, provider):
        """In the order in which they were opened."""
        second = FakeProvider()
        register_provider(second)
        second.default = FakeBoundary("second")
        assert found(signal)[0] is second.default
        provider.default = FakeBoundary("first")
        assert found(signal)[0] is provider.default


class TestOpen:
    """What is open is waited for, and what is not is no reason to wait."""

    def test_an_open_one_keeps_the_call(self, signal, heard, provider):
        """Until it says that it has committed."""
        provider.default = FakeBoundary("the default")
        ((_, scheduled),) = signal.send(None, n=1)
        assert scheduled.boundary == "the default"
        assert heard == []
        (call,) = provider.default.calls
        run_call(call)
        assert heard == [1]
        assert "after the commit of the default: it is the default" in str(explain(signal))

    def test_one_that_is_not_runs_it_at_once(self, signal, heard, provider):
        """And explain names it all the same."""
        provider.default = FakeBoundary("the default", is_open=False)
        signal.send(None, n=1)
        assert heard == [1]
        assert "no transaction is open on the default: it is the default" in str(explain(signal))

    def test_a_closed_one_that_is_named_hides_an_open_one(self, signal, heard, provider):
        """The send belongs to what it names, whatever is open beside it."""
        with atomic():
            signal.send(None, n=1, instance=FakeBoundary("session", is_open=False))
