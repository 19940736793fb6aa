"""Every case calls its receivers, as often as it says."""

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from subprocess import check_output
from typing import Any

import pytest

from benchmarks import peers, receivers, timing
from benchmarks.__main__ import MiscountError, check
from benchmarks.cases import UnavailableError, django_save, every, noise
from benchmarks.peers import CHURN, Clarion, Library, Pure, installed
from clarion._core.send import send
from clarion.introspect import Dispatcher

CASES = [*every(), *noise.CASES]
COUNTED = [case for case in CASES if case.calls is not None]
LIBRARIES = installed()
NO_INTEGRATION = find_spec("django") is None or find_spec("clarion.integrations") is None


@pytest.fixture(autouse=True)
def event_loop_closed():
    """Close the loop that coroutines are timed in."""
    yield
    timing.close_event_loop()


def named(case):
    """Call a case by its name."""
    return case.name


def test_names_of_cases_are_unique():
    """Two cases never have the same name."""
    assert len({case.name for case in CASES}) == len(CASES)


def test_clarion_is_measured_first():
    """The first library is Clarion, no matter which peers are installed."""
    assert isinstance(LIBRARIES[0], Clarion)


@pytest.mark.parametrize(
    ("is_compiled", "ours"),
    [(True, ["Clarion", "pure Python"]), (False, ["pure Python"])],
    ids=["compiled", "not compiled"],
)
def test_both_kinds_of_clarion_are_measured(monkeypatch, is_compiled, ours):
    """Pure Python always is; the compiled Clarion only where there is one."""
    monkeypatch.setattr(peers, "dispatcher", lambda: Dispatcher(is_compiled, ""))
    assert [each.name for each in installed() if isinstance(each, Clarion)] == ours


def test_pure_signals_send_with_the_python_functions():
    """Both kinds of signal use the Python functions, whatever the program uses."""
    pure = Pure()
    for signal in (pure.new(), pure.declared(lambda sender, *, amount: None)):
        assert type(signal).send is send


def test_a_process_can_be_made_pure():
    """The environment of the pure library makes other processes dispatch in Python."""
    code = "from clarion.introspect import dispatcher; print(dispatcher().is_compiled)"
    environment = {**os.environ, **Pure.environment}
    assert check_output([sys.executable, "-c", code], env=environment, text=True) == "False\n"


@pytest.mark.parametrize("case", COUNTED, ids=named)
def test_receivers_are_called(case):
    """Both sides of each pair call as many receivers as the case says."""
    check(case, LIBRARIES)


@pytest.mark.parametrize("case", COUNTED, ids=named)
def test_a_miscount_is_noticed(case):
    """A case that calls another number of receivers is refused."""
    with pytest.raises(MiscountError, match="receivers called instead of 7"):
        check(replace(case, calls=7), LIBRARIES)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_case_has_a_pair_for_clarion(case):
    """Clarion is never left out, except where what is measured is not installed."""
    try:
        (first, *_) = case.build(LIBRARIES[:1])
    except UnavailableError:
        pytest.skip("not installed")
    assert first.library in {LIBRARIES[0].name, ""}


class Watched(list[Any]):
    """Receivers that report when an iteration over them begins."""

    begun = staticmethod(lambda: None)

    def __iter__(self):
        self.begun()
        return super().__iter__()


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_churn_connects_and_disconnects(library, monkeypatch):
    """Between the two loops a send calls all receivers; before and after, none."""
    signal = library.new()
    monkeypatch.setattr(library, "new", lambda: signal)
    send = library.run(library.send, signal)
    heard = []
    with receivers.counting() as calls:
        listeners = Watched(receivers.plain(20))

        def begun():
            send(1)
            heard.append(len(calls))
            calls.clear()

        monkeypatch.setattr(listeners, "begun", begun, raising=False)
        library.churn(listeners)(1)
        begun()
    assert heard == [0, 20, 0]


def test_churn_goes_over_the_receivers_twice():
    """All are connected before the first is disconnected."""
    assert CHURN.count("for receiver in receivers") == 2


def test_counting_ends():
    """Receivers made after a check count nothing any more."""
    with receivers.counting() as calls:
        pass
    for receive in (*receivers.plain(1), *receivers.methods(1)):
        receive(None, 1, 2)
    assert calls == []


def test_an_unsupported_statement_has_no_run():
    """A statement that a library does not have is no run."""
    assert Clarion().run("", object()) is None


def test_a_peer_that_is_missing_is_an_import_error():
    """A peer that is not installed cannot be made."""

    class Missing(Library):
        module = "a_dispatcher_that_does_not_exist"

    with pytest.raises(ImportError):
        Missing()


@pytest.mark.skipif(NO_INTEGRATION, reason="Django, or Clarion's integration, is missing")
def test_saves_are_timed_in_separate_processes():
    """Processes save, some with Clarion and one without, each after a check."""
    for pair in django_save.saving(LIBRARIES[:1]):
        assert pair.subject(2) > 0
        assert pair.baseline(2) > 0


def test_a_failing_worker_has_a_reason(monkeypatch):
    """If the other process is not ready, its message is the reason."""
    monkeypatch.setattr(django_save.Worker, "_answer", lambda worker: "no integration")
    with pytest.raises(UnavailableError, match="no integration"):
        django_save.Worker("on", {})
