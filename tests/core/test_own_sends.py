"""The signatures of the sends of declared signals, and of all others."""

import copy
import inspect
import os
import pickle
import pydoc
import subprocess
import sys
from unittest import mock

import pytest

from clarion import DeclaredSignal, Signal
from clarion import signal as declare
from clarion._core import compiled, own_sends
from tests.core.receivers import answers

SENDS = ("send", "send_robust", "asend", "asend_robust")


@declare
def paid(sender: str, *, order_id: int, note: str = "none") -> None:
    """An order was paid."""


class Loud(DeclaredSignal[..., object]):
    """A kind of declared signals with a send of its own."""

    def send(self, *args, **kwargs):
        return super().send(*args, **kwargs)


@pytest.fixture(autouse=True)
def _is_whole(implementation):
    """Skip the Python sends in a process that uses the compiled ones."""
    if implementation == "python" and compiled.is_compiled():
        pytest.skip("a process has the signatures of one implementation")


@pytest.mark.parametrize("name", SENDS)
def test_a_declared_signal_has_its_own(name):
    """Its sends have the sender and the declared keywords, with defaults and annotations."""
    sender, *keywords = inspect.signature(getattr(paid, name)).parameters.values()
    assert (sender.name, sender.kind, sender.annotation) == (
        "sender",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        str,
    )
    assert [(each.name, each.kind, each.default, each.annotation) for each in keywords] == [
        ("order_id", inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty, int),
        ("note", inspect.Parameter.KEYWORD_ONLY, "none", str),
    ]
    assert inspect.iscoroutinefunction(getattr(paid, name)) == name.startswith("a")


@pytest.mark.parametrize("name", SENDS)
def test_reading_it_again_runs_no_python(name):
    """The second read of a send's attribute runs no Python function (CPython 3.12)."""
    first = getattr(paid, name)
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append((event, frame.f_code.co_name)))
    try:
        again = getattr(paid, name)
    finally:
        sys.setprofile(None)
    assert again.__func__ is first.__func__
    assert [name for event, name in calls if event == "call"] == []


@pytest.mark.parametrize("name", SENDS)
def test_any_other_signal_has_djangos(name):
    """Any other signal, and the class of declared signals, has `(sender, **named)`."""
    assert list(inspect.signature(getattr(Signal(), name)).parameters) == ["sender", "named"]
    for kind in (Signal, DeclaredSignal):
        parameters = inspect.signature(getattr(kind, name)).parameters
        assert list(parameters) == ["self", "sender", "named"]


def test_each_signal_has_the_signature_of_its_declaration():
    """A positional parameter of the declaration is a keyword of the send."""
    from clarion.signals import request_started

    @declare
    def shipped(sender, order_id) -> None: ...

    assert str(inspect.signature(shipped.send)).partition(" ->")[0] == "(sender, *, order_id)"
    assert list(inspect.signature(request_started.send).parameters) == [
        "sender",
        "environ",
        "scope",
    ]
    assert list(inspect.signature(paid.send).parameters) == ["sender", "order_id", "note"]


def test_help_shows_it():
    """`help()` shows the signature with the documentation of the method."""
    shown = pydoc.plain(pydoc.render_doc(paid.send))
    assert "send(sender: str, *, order_id: int, note: str = 'none')" in shown
    assert "Call all receivers of the sender" in shown


def test_the_methods_are_methods():
    """The sends are callable, equal, bound to the signal, and keep nothing alive."""

    @paid.connect
    def receive(sender: str, order_id: int, note: str = "") -> tuple[int, str]:
        return order_id, note

    send = paid.send
    assert (
        answers(send("web", order_id=1)) == answers(paid.send("web", order_id=1)) == [(1, "none")]
    )
    assert inspect.ismethod(send)
    assert send == paid.send
    assert send.__self__ is paid
    assert send.__name__ == "send"
    assert paid.has_listeners("web")
    assert isinstance(paid, DeclaredSignal)
    assert type(paid).__name__ == "DeclaredSignal"


def test_copies_and_pickles():
    """A copy has the same sends, and a pickle is the signal itself."""
    copied = copy.deepcopy(paid)
    assert inspect.signature(copied.send) == inspect.signature(paid.send)
    assert copied.send.__self__ is copied  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(paid)) is paid  # noqa: S301


def test_a_kind_may_override_a_send():
    """A send that a subclass overrides keeps its signature; the others are declared."""
    loud = Loud(paid.__wrapped__)
    loud.connect(lambda sender, order_id, note: order_id)
    assert list(inspect.signature(loud.send).parameters) == ["args", "kwargs"]
    assert list(inspect.signature(loud.asend).parameters) == ["sender", "order_id", "note"]
    assert answers(loud.send("web", order_id=3)) == [3]


def test_a_replaced_send_is_called():
    """`mock.patch.object` of one signal works, and its autospec checks the keywords."""
    with mock.patch.object(paid, "send", autospec=True) as replaced:
        paid.send("web", order_id=1)
        with pytest.raises(TypeError, match="order_id"):
            paid.send("web", ordr_id=1)  # type: ignore[call-arg]
    replaced.assert_called_once_with("web", order_id=1)
    assert inspect.ismethod(paid.send)


def test_both_implementations_agree():
    """The other implementation, in its own process, has the same signatures."""
    code = (
        "import inspect; from tests.core.test_own_sends import paid, SENDS; "
        "print(*(inspect.signature(getattr(paid, name)) for name in SENDS), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", ".", *sys.path])}
    environment["CLARION_PURE"] = "1" if compiled.is_compiled() else ""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    ours = [str(inspect.signature(getattr(paid, name))) for name in SENDS]
    assert done.stdout.splitlines() == ours


class Foreign:
    """A send whose function cannot be copied, such as one that Nuitka has compiled."""

    def __call__(self, signal, sender, **kwargs):
        """Send."""


def test_a_function_that_cannot_be_copied_stays():
    """A send that cannot be copied is used itself, without a signature of its own."""
    method = Foreign()
    assert own_sends.own_send(paid, method) is method
