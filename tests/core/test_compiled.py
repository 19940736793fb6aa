"""Which sends are in use, and that the compiled ones look like those they stand for."""

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


class Once:
    """Tests that are of what is compiled, whatever else there is."""

    @pytest.fixture(autouse=True)
    def implementation(self, monkeypatch):
        """Have all signals send by it."""
        put(monkeypatch, "compiled")


class Loud(Signal):
    """Overrides the sends, and calls those that it overrides."""

    def send(self, sender, **named):
        """Send louder."""
        return super().send(sender, **named, loud=True)

    async def asend(self, sender, **named):
        """Send louder."""
        return await super().asend(sender, **named, loud=True)

    def has_listeners(self, sender=None):
        """Ask the one that is overridden."""
        return not super().has_listeners(sender)


def fresh(code, *, path=None, **environ):
    """Run code in an interpreter of its own, and return what it prints."""
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
    """Why the sends in Python are in use, if they are."""

    @pytest.fixture(autouse=True)
    def implementation(self):
        """Leave it to the interpreter that is asked."""

    def test_somebody_asked_for_them(self):
        """`CLARION_PURE` is set."""
        for value in ("1", "yes"):
            assert fresh(SAY, CLARION_PURE=value) == "CLARION_PURE is set in the environment."

    def test_nobody_did(self):
        """`CLARION_PURE` is 0, or empty: then what is there decides."""
        expected = fresh(SAY)
        if is_compiled():
            assert expected == "compiled"
        for value in ("0", "", "false", "No", "OFF "):
            assert fresh(SAY, CLARION_PURE=value) == expected

    def test_they_were_not_built(self):
        """There is no such module."""
        missing = """
            import sys
            sys.modules["clarion._core._send"] = None
        """
        reason = fresh(dedent(missing) + dedent(SAY))
        assert reason.startswith("The compiled sends cannot be loaded, perhaps they were not built")

    def test_they_are_stale(self):
        """They were built for a table that looked otherwise."""
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
        assert "has no slot 'any_sender'" in fresh(stale, CLARION_PURE="1")
        stale = stale.replace(
            'type("Table", (table.Table,), {"guard": None, "__slots__": ()})', "5"
        )
        assert "is not a class" in fresh(stale, CLARION_PURE="1")

    def test_a_slot_has_another_name_now(self):
        """A program with such a file runs with the sends in Python, and says why."""
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
        reason = fresh(renamed, CLARION_PURE="1")
        assert reason.startswith("The compiled sends do not fit this version of Clarion: ")
        assert "any_sender" in reason
        assert reason.endswith("Build Clarion again.")

    def test_a_free_threaded_python(self, monkeypatch):
        """The compiled sends rely on the lock, so they are not even looked for."""
        monkeypatch.delenv("CLARION_PURE", raising=False)
        assert compiled._why_not() == ""
        monkeypatch.setattr(sys, "abiflags", "t", raising=False)
        assert compiled._why_not().startswith("This is a free-threaded Python")
        monkeypatch.delattr(sys, "abiflags")  # as on Windows
        assert compiled._why_not() == ""

    def test_the_function_itself_is_used_then(self, monkeypatch):
        """What would be compiled stays what it is."""
        monkeypatch.setattr(compiled, "reason", "No.")
        assert compiled.compiled(send.send) is send.send
        assert not is_compiled()


class TestLook(Once):
    """Whoever looks at a compiled method sees the function."""

    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_documented_and_signed(self, name):
        """Its name, its text, its signature and its annotations; on a signal without `self`."""
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
    def test_it_is_known_for_what_it_is(self, name):
        """A routine; a coroutine function if the function is one."""
        for method in (getattr(Signal, name), getattr(Signal(), name)):
            assert inspect.isroutine(method)
            assert inspect.iscoroutinefunction(method) is (name in AWAITED)
        assert inspect.ismethod(getattr(Signal(), name))

    def test_what_it_has_not_got_is_an_attribute_error(self):
        """As of the function, which has not got it either."""
        with pytest.raises(AttributeError, match="nothing_such"):
            Signal.send.nothing_such  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(AttributeError):
            Signal.send.remark = 1  # type: ignore[attr-defined]

    def test_it_can_be_mocked(self):
        """And is itself again."""
        with mock.patch.object(Signal, "send") as patched:
            Signal().send(None, a=1)
        assert patched.call_args.kwargs == {"a": 1}
        assert type(vars(Signal)["send"]).__name__ == "Method"

    def test_it_can_be_weakly_referenced(self):
        """As a function can, and its bound method with it."""
        made = Signal()
        method = weakref.WeakMethod(made.send)
        assert weakref.ref(vars(Signal)["send"])() is vars(Signal)["send"]
        bound = method()
        assert bound is not None
        assert bound(None) == []
        twin = weakref.ref(twin_of(send.send))
        collect()
        assert twin() is None

    def test_it_is_bound_as_a_function_is(self):
        """To a signal, not to none."""
        method: Any = vars(Signal)["send"]
        assert Signal.send is method
        assert method.__get__(None, Signal) is method
        assert method.__get__(5).__self__ == 5
        with pytest.raises(TypeError):
            method.__get__(None, None)


class TestClasses(Once):
    """Classes with compiled methods."""

    def test_a_class_is_pickled_and_copied_by_name(self):
        """It is itself again."""
        for kind in (Signal, Loud):
            assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301
            assert copy.copy(kind) is copy.deepcopy(kind) is kind

    def test_a_class_can_be_made_again_of_its_parts(self):
        """As decorators do that make a class with other slots."""
        parts = {n: v for n, v in vars(Signal).items() if n not in {"__dict__", "__weakref__"}}
        made = type("Again", Signal.__bases__, parts)()
        made.connect(answering(1))
        assert answers(made.send(None)) == answers(asyncio.run(made.asend(None))) == [1]

    def test_a_subclass_may_override_the_sends(self):
        """And call those that it overrides."""
        made: Any = Loud()
        assert made.has_listeners()
        made.connect(lambda loud, **named: (loud, sorted(named)))
        expected = [(True, ["quiet", "sender", "signal"])]
        assert answers(made.send(None, quiet=False)) == expected
        assert answers(asyncio.run(made.asend(None, quiet=False))) == expected
        assert not made.has_listeners()

    def test_a_subclass_may_have_another_table_attribute(self):
        """A property in the place of the slot is asked, as it is in Python."""

        class Other(Signal):
            """Keeps its table elsewhere."""

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
        """Whoever forgets the sender, or gives two, is told before anything is awaited."""
        with pytest.raises(TypeError, match="positional argument"):
            getattr(Signal(), name)(*given)
        with pytest.raises(TypeError, match="multiple values"):
            getattr(Signal(), name)(Sender, sender=Sender)


def test_whoever_logs_may_ask_for_the_error(make, implementation):
    """What a robust send calls, it calls as in an except clause."""

    class Asking(Policy):
        """Asks the interpreter, as `logger.exception` does."""

        def log_failure(self, signal, receiver, error):
            asked.append(sys.exc_info()[1])

    asked: list[Any] = []
    made = Signal()
    set_policy(made, Asking())
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


def test_what_logging_raises_has_its_context(make, implementation):
    """The error amid which it was raised."""

    class Failing(Policy):
        """Cannot log."""

        def log_failure(self, signal, receiver, error):
            raise LookupError("no log")

    made = Signal()
    set_policy(made, Failing())
    made.connect(raising(failure := ValueError("no")), inline=True)
    for attempt in (made.send_robust, lambda sender: asyncio.run(made.asend_robust(sender))):
        with pytest.raises(LookupError) as caught:
            attempt(None)
        assert caught.value.__context__ is failure


def test_too_many_keywords(signal, implementation):
    """A send of more than the compiled one takes is as good as any."""
    named = {f"keyword_{number}": number for number in range(100)}
    signal.connect(lambda sender, signal, **named: named)
    signal.connect(Listener().method)
    for count in (29, 30, 31, 32, 33, 100):
        some = dict(list(named.items())[:count])
        assert answers(signal.send(None, **some)) == [some]
        assert answers(asyncio.run(signal.asend(None, **some))) == [some]


def test_declared_with_too_many_defaults(implementation):
    """The defaults count as well."""
    names = [f"keyword_{number}" for number in range(40)]
    scope: dict[str, Any] = {"signal": signal}
    exec(  # noqa: S102
        f"@signal\ndef wide(sender, *, {', '.join(f'{name}=1' for name in names)}): ...", scope
    )
    scope["wide"].connect(lambda **named: len(named))
    assert answers(scope["wide"].send(None, keyword_7=2)) == [41]
