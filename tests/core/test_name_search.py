"""How often the modules are searched for the name of a signal."""

import sys
import threading
from types import ModuleType

from clarion import Signal
from clarion._core import names
from clarion._core.tabled import table_of


def test_all_modules_are_searched_once(signal, monkeypatch):
    """A nameless signal is searched in all modules only once."""
    searches = []
    find = names.find_name

    def counted(signal, home, *, anywhere):
        searches.append(anywhere)
        return find(signal, home, anywhere=anywhere)

    monkeypatch.setattr(names, "find_name", counted)
    for _ in range(3):
        assert "nameless" in signal.name
    assert searches == [True, False, False]


def test_a_search_inside_a_search_is_short(signal, monkeypatch):
    """A signal handler that sends during a search does not search again: it may come every millisecond."""
    searches: list[bool] = []
    find = names.find_name

    def interrupted(signal, home, *, anywhere):
        searches.append(anywhere)
        if len(searches) < 3:
            assert "nameless" in signal.name
        return find(signal, home, anywhere=anywhere)

    monkeypatch.setattr(names, "find_name", interrupted)
    assert "nameless" in signal.name
    assert searches == [True, False, False]
    assert "nameless" in signal.name
    assert searches == [True, False, False, False]


def test_two_threads_may_search_at_once(monkeypatch):
    """A thread that asks while another one searches gets the same name, and does not remove it.

    The first two receivers of a worker ask for Django's signals like that. Without the name, their
    deliveries wait for a minute.
    """
    module = ModuleType("searched_twice")
    module.moved = signal = Signal()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "searched_twice", module)
    find = names.find_name
    seen: list[str | None] = []

    def searched(*arguments, **options):
        if not seen:
            seen.append(None)
            thread = threading.Thread(target=lambda: seen.append(signal.name))
            thread.start()
            thread.join()
        return find(*arguments, **options)

    monkeypatch.setattr(names, "find_name", searched)
    assert signal.name == "searched_twice.moved"
    assert seen == [None, "searched_twice.moved"]


def test_many_signals_are_named_in_one_search(monkeypatch):
    """Each has the name that its own search finds, and none is searched for again."""
    module, alias = ModuleType("holder.of_many"), ModuleType("a_copy")
    for each in (module, alias):
        monkeypatch.setitem(sys.modules, each.__name__, each)
    found: list[Signal] = [Signal() for _ in range(4)]
    table_of(found[1]).home = "holder.of_many"
    for number, signal in enumerate(found[:3]):
        setattr(module, f"signal_{number}", signal)
        setattr(alias, f"copied_{number}", signal)
    expected = [names.find_name(each, table_of(each).home) for each in found]
    names.name_signals([*found, Signal(name="given")])
    monkeypatch.delitem(sys.modules, "a_copy")
    monkeypatch.delitem(sys.modules, "holder.of_many")
    assert expected[1:] == ["holder.of_many.signal_1", "a_copy.copied_2", None]
    assert [table_of(each).name for each in found] == expected
    assert found[3].name.startswith("nameless Signal")
