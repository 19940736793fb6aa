"""Which sends are in use; compiled methods behave like the functions that they replace."""

import asyncio
import copy
import inspect
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest import mock

import pytest

from clarion import Signal, signal
from clarion._core import compiled, send
from clarion._core.compiled import is_compiled, twin_of
from clarion.policy import Policy, set_policy
from tests.core.receivers import Listener, Sender, answering, answers, collect, raising
from tests.twins import NAMES, put

CORE = Path(compiled.__file__).parent
AWAITED = ("asend", "asend_robust")


class CompiledOnly:
    """Tests of the compiled sends only."""

    @pytest.fixture(autouse=True)
    def implementation(self, monkeypatch):
        """Make all signals use the compiled sends."""
        put(monkeypatch, "compiled")


class Overriding(Signal):
    """A subclass that overrides the sends and calls the base class."""

    def send(self, sender, **named):
        """Send with one more keyword."""
        return super().send(sender, **named, loud=True)

    async def asend(self, sender, **named):
        """Send with one more keyword."""
        return await super().asend(sender, **named, loud=True)

    def has_listeners(self, sender=None):
        """Return the opposite of the base class."""
        return not super().has_listeners(sender)


def run_in_new_interpreter(code, *, path=None, **environ):
    """Run code in a new interpreter, and return its output."""
    there = {name: value for name, value in os.environ.items() if name != "CLARION_PURE"}
    there["PYTHONPATH"] = str(path or CORE.parents[1])
    command = [sys.executable, "-c", dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=there | environ)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


SAY = """
    from clarion import Signal
    from clarion._core import compiled
    made = Signal()
    made.connect(lambda sender, **named: sender)
    assert [answer for _, answer in made.send(3)] == [3]
    assert compiled.is_compiled() is (type(vars(Signal)["send"]).__name__ == "Method")
    print(compiled.reason or "compiled")
"""


class TestReason:
    """The reason why the Python sends are in use."""

    @pytest.fixture(autouse=True)
    def implementation(self):
        """Select no implementation because the tests start their own interpreter."""

    def test_the_environment_selects_python(self):
        """CLARION_PURE selects the Python sends."""
        for value in ("1", "yes"):
            assert (
                run_in_new_interpreter(SAY, CLARION_PURE=value)
                == "CLARION_PURE is set in the environment."
            )

    def test_an_empty_variable_selects_nothing(self):
        """An empty CLARION_PURE, or 0, selects the compiled sends if they exist."""
        expected = run_in_new_interpreter(SAY)
        if is_compiled():
            assert expected == "compiled"
        for value in ("0", "", "false", "No", "OFF "):
            assert run_in_new_interpreter(SAY, CLARION_PURE=value) == expected

    def test_a_missing_module_is_the_reason(self):
        """Without the compiled module the reason says that it cannot be loaded."""
        missing = """
            import sys
            sys.modules["clarion._core._send"] = None
        """
        reason = run_in_new_interpreter(dedent(missing) + dedent(SAY))
        assert reason.startswith("The compiled sends cannot be loaded, perhaps they were not built")

    def test_an_outdated_module_is_the_reason(self):
        """Compiled sends that were built for another table do not match."""
        stale = """
            from clarion._core import table
            table.Table = type("Table", (table.Table,), {"guard": None, "__slots__": ()})
            try:
                import clarion._core._send
            except ImportError as error:
                print(error)
        """
        if not is_compiled():
            pytest.skip(compiled.reason)
        assert "has no slot 'any_sender'" in run_in_new_interpreter(stale, CLARION_PURE="1")
        stale = stale.replace(
            'type("Table", (table.Table,), {"guard": None, "__slots__": ()})', "5"
        )
        assert "is not a class" in run_in_new_interpreter(stale, CLARION_PURE="1")

    def test_a_renamed_slot_is_reported(self):
        """A program with outdated compiled sends uses the Python sends and says why."""
        if not is_compiled():
            pytest.skip(compiled.reason)
        renamed = """
            from clarion._core import table
            table.Table = type("Table", (), {"__slots__": ("any", "buckets")})
            import importlib, os
            os.environ["CLARION_PURE"] = "0"
            from clarion._core import compiled
            print(importlib.reload(compiled).reason)
        """
        reason = run_in_new_interpreter(renamed, CLARION_PURE="1")
        assert reason.startswith("The compiled sends do not fit this version of Clarion: ")
        assert "any_sender" in reason
        assert reason.endswith("Build Clarion again.")

    def test_a_free_threaded_python(self, monkeypatch):
        """A free-threaded Python does not load the compiled sends, which rely on the lock."""
        monkeypatch.delenv("CLARION_PURE", raising=False)
        assert compiled._why_not() == ""
        monkeypatch.setattr(sys, "abiflags", "t", raising=False)
        assert compiled._why_not().startswith("This is a free-threaded Python")
        monkeypatch.delattr(sys, "abiflags")  # Windows has no `sys.abiflags`
        assert compiled._why_not() == ""

    def test_without_compiled_sends_the_function_stays(self, monkeypatch):
        """Without compiled sends a function stays as it is."""
        monkeypatch.setattr(compiled, "reason", "No.")
        assert compiled.compiled(send.send) is send.send
        assert not is_compiled()


class TestAttributes(CompiledOnly):
    """A compiled method has the attributes of its function."""

    @pytest.mark.parametrize("name", NAMES)
    def test_it_has_the_signature_of_its_function(self, name):
        """It has the name, docstring, signature and annotations of its function."""
        method: Any = vars(Signal)[name]
        function = method.__wrapped__
        for attribute in ("__doc__", "__name__", "__qualname__", "__module__", "__annotations__"):
            assert getattr(method, attribute) == getattr(function, attribute)
        assert inspect.getdoc(getattr(Signal(), name)) == inspect.getdoc(function)
        assert inspect.signature(method) == inspect.signature(function)
        bound = inspect.signature(getattr(Signal(), name))
        assert list(bound.parameters) == list(inspect.signature(function).parameters)[1:]
        assert repr(method) == f"<compiled {function!r}>"

    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_a_routine(self, name):
        """It is a routine, and a coroutine function if its function is one."""
        for method in (getattr(Signal, name), getattr(Signal(), name)):
            assert inspect.isroutine(method)
            assert inspect.iscoroutinefunction(method) is (name in AWAITED)
        assert inspect.ismethod(getattr(Signal(), name))

    def test_a_missing_attribute_raises(self):
        """An attribute that the function does not have raises AttributeError."""
        with pytest.raises(AttributeError, match="nothing_such"):
            Signal.send.nothing_such  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(AttributeError):
            Signal.send.remark = 1  # type: ignore[attr-defined]

    def test_it_can_be_mocked(self):
        """A method can be replaced by a mock and restored."""
        with mock.patch.object(Signal, "send") as patched:
            Signal().send(None, a=1)
        assert patched.call_args.kwargs == {"a": 1}
        assert type(vars(Signal)["send"]).__name__ == "Method"

    def test_it_can_be_weakly_referenced(self):
        """A compiled method and its bound method support weak references."""
        made = Signal()
        method = weakref.WeakMethod(made.send)
        assert weakref.ref(vars(Signal)["send"])() is vars(Signal)["send"]
        bound = method()
        assert bound is not None
        assert bound(None) == []
        twin = weakref.ref(twin_of(send.send))
        collect()
        assert twin() is None

    def test_it_binds_like_a_function(self):
        """A compiled method binds to a signal, and not to None."""
        method: Any = vars(Signal)["send"]
        assert Signal.send is method
        assert method.__get__(None, Signal) is method
        assert method.__get__(5).__self__ == 5
        with pytest.raises(TypeError):
            method.__get__(None, None)


class TestClasses(CompiledOnly):
    """Classes with compiled methods."""

    def test_a_class_is_pickled_and_copied_by_name(self):
        """Pickling and copying a class return the class itself."""
        for kind in (Signal, Overriding):
            assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301
            assert copy.copy(kind) is copy.deepcopy(kind) is kind

    def test_a_class_can_be_rebuilt(self):
        """A decorator can rebuild a class from its attributes."""
        parts = {n: v for n, v in vars(Signal).items() if n not in {"__dict__", "__weakref__"}}
        made = type("Again", Signal.__bases__, parts)()
        made.connect(answering(1))
        assert answers(made.send(None)) == answers(asyncio.run(made.asend(None))) == [1]

    def test_a_subclass_may_override_the_sends(self):
        """A subclass may override the sends and call the base class."""
        made: Any = Overriding()
        assert made.has_listeners()
        made.connect(lambda loud, **named: (loud, sorted(named)))
        expected = [(True, ["quiet", "sender", "signal"])]
        assert answers(made.send(None, quiet=False)) == expected
        assert answers(asyncio.run(made.asend(None, quiet=False))) == expected
        assert not made.has_listeners()

    def test_a_subclass_may_have_another_table_attribute(self):
        """A property that replaces the slot of the table is read, as in Python."""

        class Other(Signal):
            """A subclass that stores its table in another attribute."""

            _table: Any = property(
                lambda self: vars(self)["elsewhere"],
                lambda self, table: vars(self).update(elsewhere=table),
            )

        made = Other()
        made.connect(answering(1))
        assert answers(made.send(None)) == [1]
        assert made.has_listeners(None)

    @pytest.mark.parametrize("name", AWAITED)
    @pytest.mark.parametrize("given", [(), (1, 2)])
    def test_an_awaited_send_is_refused_at_once(self, name, given):
        """A wrong call of an async send raises before anything is awaited."""
        with pytest.raises(TypeError, match="positional argument"):
            getattr(Signal(), name)(*given)
        with pytest.raises(TypeError, match="multiple values"):
            getattr(Signal(), name)(Sender, sender=Sender)


def test_the_error_is_current_while_it_is_logged(make, implementation):
    """A policy can read the current exception while it logs a failure."""

    class ReadingPolicy(Policy):
        """Reads the current exception, as `logger.exception` does."""

        def log_failure(self, signal, receiver, error):
            asked.append(sys.exc_info()[1])

    asked: list[Any] = []
    made = Signal()
    set_policy(made, ReadingPolicy())
    failure = ValueError("no")
    made.connect(raising(failure))
    for outer in (None, KeyError("outer")):
        try:
            if outer is not None:
                raise outer
            made.send_robust(None)
            assert sys.exc_info()[1] is None
        except KeyError:
            made.send_robust(None)
            assert sys.exc_info()[1] is outer
    assert asked == [failure, failure]


def test_a_logging_error_has_a_context(make, implementation):
    """An error of the logging has the receiver's error as its context."""

    class FailingPolicy(Policy):
        """A policy that cannot log."""

        def log_failure(self, signal, receiver, error):
            raise LookupError("no log")

    made = Signal()
    set_policy(made, FailingPolicy())
    made.connect(raising(failure := ValueError("no")), inline=True)
    for attempt in (made.send_robust, lambda sender: asyncio.run(made.asend_robust(sender))):
        with pytest.raises(LookupError) as caught:
            attempt(None)
        assert caught.value.__context__ is failure


def test_too_many_keywords(signal, implementation):
    """A send with more keywords than the compiled send takes gives the same responses."""
    named = {f"keyword_{number}": number for number in range(100)}
    signal.connect(lambda sender, signal, **named: named)
    signal.connect(Listener().method)
    for count in (29, 30, 31, 32, 33, 100):
        some = dict(list(named.items())[:count])
        assert answers(signal.send(None, **some)) == [some]
        assert answers(asyncio.run(signal.asend(None, **some))) == [some]


def test_declared_with_too_many_defaults(implementation):
    """Defaults count toward the limit of keywords."""
    names = [f"keyword_{number}" for number in range(40)]
    scope: dict[str, Any] = {"signal": signal}
    exec(  # noqa: S102
        f"@signal\ndef wide(sender, *, {', '.join(f'{name}=1' for name in names)}): ...", scope
    )
    scope["wide"].connect(lambda **named: len(named))
    assert answers(scope["wide"].send(None, keyword_7=2)) == [41]
