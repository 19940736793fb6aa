"""Which transaction a send belongs to, by the written rule."""

import sys
import types

import pytest

from clarion.commit import Boundary, atomic, boundary, on_commit
from clarion.commit.boundary import (
    NOWHERE,
    ActiveBoundary,
    TransactionProvider,
    active_boundaries,
    providers,
    register_provider,
    resolve_boundary,
)
from clarion.errors import BoundaryError
from clarion.introspect import explain

pytestmark = pytest.mark.usefixtures("_no_doors")


class Place(Boundary):
    """A boundary of a framework's."""

    def __init__(self, name, *, is_open=True):
        self.name = name
        self.calls = []
        self._is_open = is_open

    def is_open(self):
        return self._is_open

    def after_commit(self, call):
        self.calls.append(call)


class FakeDoor(TransactionProvider):
    """A framework that knows instances, aliases, and a default."""

    def __init__(self):
        self.default = None
        self.aliases = {}

    def of_send(self, signal, named):
        instance = named.get("instance")
        return None if instance is None else (instance, "instance= is in it")

    def of_alias(self, alias):
        return self.aliases.get(alias)

    def default_boundary(self):
        return self.default and (self.default, "it is the default")


@pytest.fixture
def door():
    """Open a door."""
    made = FakeDoor()
    register_provider(made)
    return made


def found(signal, using=None, **named):
    """Return the boundary of a send, and why."""
    return tuple(resolve_boundary(signal, {"sender": None, **named}, using))


class TestRule:
    """Each part of the rule comes before those after it."""

    def test_each_part(self, signal, door):
        """From the last to the first."""
        assert resolve_boundary(signal, {"sender": None}) is NOWHERE
        default, orders, named = Place("default"), Place("orders"), Place("session")
        door.default = default
        assert found(signal) == (default, "it is the default")
        with atomic():
            block = next(active_boundaries()).boundary
            assert found(signal) == (block, "it is the innermost in this context")
            door.aliases["orders"] = orders
            assert found(signal, using="orders")[0] is orders
            assert resolve_boundary(signal, {"sender": None, "using": "orders"}) == (
                orders,
                "it was sent using='orders'",
            )
            told = {"sender": None, "using": "orders", "instance": named}
            assert resolve_boundary(signal, told) == (named, "instance= is in it")
            assert resolve_boundary(signal, told, "orders") == (
                orders,
                "the receiver said using='orders'",
            )

    @pytest.mark.parametrize("using", ["nobody", None, 1, ["orders"]])
    def test_an_alias_of_the_send_that_nobody_knows(self, using, signal, door):
        """It may mean something else to the receivers, so it decides nothing."""
        assert resolve_boundary(signal, {"sender": None, "using": using}) is NOWHERE

    def test_an_alias_of_the_receiver_that_nobody_knows(self, signal, door):
        """It is refused, with the cure."""
        with pytest.raises(BoundaryError, match=r"'nobody'.*atomic\(using='nobody'\) block around"):
            resolve_boundary(signal, {"sender": None}, "nobody")

    def test_a_block_comes_before_a_database_of_the_same_alias(self, signal, door):
        """The nearer of the two."""
        door.aliases["orders"] = Place("orders")
        with atomic(using="orders"):
            assert found(signal, using="orders")[0] is next(active_boundaries()).boundary
        assert found(signal, using="orders")[0] is door.aliases["orders"]

    def test_the_first_door_that_knows(self, signal, door):
        """In the order in which they were opened."""
        second = FakeDoor()
        register_provider(second)
        second.default = Place("second")
        assert found(signal)[0] is second.default
        door.default = Place("first")
        assert found(signal)[0] is door.default


class TestOpen:
    """What is open is waited for, and what is not is no reason to wait."""

    def test_an_open_one_keeps_the_call(self, signal, heard, door):
        """Until it says that it has committed."""
        door.default = Place("the default")
        ((_, scheduled),) = signal.send(None, n=1)
        assert scheduled.boundary == "the default"
        assert heard == []
        (call,) = door.default.calls
        call.run()
        assert heard == [1]
        assert "after the commit of the default: it is the default" in str(explain(signal))

    def test_one_that_is_not_runs_it_at_once(self, signal, heard, door):
        """And explain names it all the same."""
        door.default = Place("the default", is_open=False)
        signal.send(None, n=1)
        assert heard == [1]
        assert "no transaction is open on the default: it is the default" in str(explain(signal))

    def test_a_closed_one_that_is_named_hides_an_open_one(self, signal, heard, door):
        """The send belongs to what it names, whatever is open beside it."""
        with atomic():
            signal.send(None, n=1, instance=Place("session", is_open=False))
            assert heard == [1]

    def test_nothing_can_wait_for_nothing(self, signal):
        """Who asks a boundary that is none is told."""
        with pytest.raises(BoundaryError, match=r"no transaction to wait for. Ask is_open\(\)"):
            Boundary().after_commit(None)  # type: ignore[arg-type]
        assert not Boundary().is_open()
        assert not Boundary().can_await()


class TestScopes:
    """What is in force in a context."""

    def test_the_innermost_comes_first(self):
        """And those that are over not at all."""
        one, two, three = (ActiveBoundary(Place(name)) for name in ("one", "two", "three"))
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
        place = Place("session")
        scope = ActiveBoundary(place, "orders")
        scope.enter()
        heard.listen(signal, name="orders", delivery=on_commit(using="orders"))
        signal.send(None, n=1)
        scope.leave()
        assert len(place.calls) == 2
        assert heard == []


class TestDoors:
    """Those of frameworks that are loaded open by themselves."""

    def test_when_the_framework_is_loaded(self, monkeypatch):
        """And not before."""
        opened: list[str] = []
        monkeypatch.setattr(boundary, "_FRAMEWORKS", {"some_framework": "its_door"})
        monkeypatch.setattr(boundary, "_met", set())
        monkeypatch.setattr(boundary, "import_module", opened.append)
        assert providers() == []
        assert opened == []
        monkeypatch.setitem(sys.modules, "some_framework", types.ModuleType("some_framework"))
        providers()
        providers()
        assert opened == ["its_door"]

    def test_one_that_cannot_open_is_not_left_out_in_silence(self, monkeypatch, signal, heard):
        """Its transactions would count as none: so each send says it."""
        monkeypatch.setattr(boundary, "_FRAMEWORKS", {"sys": "there_is_no_such_door"})
        monkeypatch.setattr(boundary, "_met", set())
        monkeypatch.setattr(boundary, "_searched", 0)
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError, match="there_is_no_such_door"):
                signal.send(None, n=1)
        assert heard == []
