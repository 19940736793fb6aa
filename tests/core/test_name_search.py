"""How often the modules are searched for the name of a signal."""

import sys
import threading
from types import ModuleType

from clarion import Signal
from clarion._core import names


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
