"""The keywords that receivers get, computed from the names of a send."""

import itertools
from typing import Any
from weakref import ref

import pytest

from clarion import signal
from clarion._core import keywords
from clarion._core.keywords import ANY, DeclaredKeywords, Keywords
from clarion.errors import ArgumentError
from tests.core.receivers import answers

PARAMETERS = ("a", "b", "c")
DEFAULTS = [
    dict.fromkeys(names, "default")
    for count in range(4)
    for names in itertools.combinations(PARAMETERS, count)
]
WAYS = [
    names
    for count in range(5)
    for names in itertools.permutations(("sender", *PARAMETERS, "unknown"), count)
]


class TestKeywords:
    """The keywords of a signal that accepts any."""

    def test_the_sender_comes_first(self):
        """The sender comes first unless a keyword gives it; the signal comes last."""
        assert Keywords()[()] == (("sender", "signal"), (), True)
        assert Keywords()["b", "a"] == (("sender", "b", "a", "signal"), (), True)
        assert Keywords()["b", "sender"] == (("b", "sender", "signal"), (), True)

    def test_the_keyword_signal_is_refused(self):
        """A send with the keyword `signal` has no entry, and none is cached."""
        made = Keywords()
        assert made["a", "signal"] is None
        assert not made

    def test_an_entry_is_cached(self):
        """An entry is computed once for the same names."""
        made = Keywords()
        assert made["a",] is made["a",]
        assert len(made) == 1

    def test_the_cache_is_bounded(self):
        """The cache has a maximum size, so names made at run time do not fill the memory."""
        made = Keywords()
        for number in range(3 * keywords.MOST + 5):
            assert made[f"made_up_{number}",] is not None
            assert 0 < len(made) <= keywords.MOST
        assert len(made) == 5

    def test_the_shared_cache_is_bounded(self, signal, implementation):
        """The cache that all signals share has a maximum size too."""
        for number in range(2 * keywords.MOST):
            signal.send(None, **{f"made_up_{number}": number})
        assert len(ANY) <= keywords.MOST
        signal.connect(lambda made_up_1, **named: made_up_1)
        assert answers(signal.send(None, made_up_1=1)) == [1]


class TestDeclaredKeywords:
    """The keywords of a declared signal."""

    @pytest.mark.parametrize("defaults", DEFAULTS, ids=",".join)
    @pytest.mark.parametrize("takes", [(), ("a",), PARAMETERS], ids=",".join)
    def test_every_way_of_sending(self, takes, defaults):
        """Missing keywords get their defaults; a send that does not fit has no entry."""
        defaults = {name: value for name, value in defaults.items() if name in takes}
        made = DeclaredKeywords(dict.fromkeys(takes).keys(), defaults)
        for names in WAYS:
            given = {name: "given" for name in names if name != "sender"}
            fits = given.keys() <= {*takes} and {*takes} <= given.keys() | defaults.keys()
            entry = made[names]
            assert (entry is not None) is fits
            if entry is None:
                continue
            called_with, filled_in, accepts_any = entry
            assert sorted(called_with) == sorted({"sender", *takes})
            first = names if "sender" in names else ("sender", *names)
            assert called_with[: len(first)] == first
            assert filled_in == tuple(defaults[name] for name in called_with[len(first) :])
            assert not accepts_any

    @pytest.mark.parametrize("names", [("a",), ("b", "a"), ("c", "a"), (), ("a", "unknown")])
    def test_it_agrees_with_the_send_in_python(self, names, implementation):
        """Names without an entry are refused; names with one reach the receivers with defaults."""

        @signal
        def declared(sender: object, *, a: int, b: int = 2, c: int = 3) -> None: ...

        named: Any = dict.fromkeys(names, 0)
        declared.connect(lambda sender, *, a, b=0, c=0: (a, b, c))
        if DeclaredKeywords({"a": 1, "b": 1, "c": 1}.keys(), {"b": 2, "c": 3})[names] is None:
            with pytest.raises(ArgumentError):
                declared.send(None, **named)
        else:
            expected = tuple({"a": 1, "b": 2, "c": 3, **named}.values())
            assert answers(declared.send(None, **named)) == [expected]

    def test_a_declared_signal_has_its_own_cache(self, make):
        """A declared signal has its own cache, and plain signals share one."""

        @signal
        def declared(sender: object, *, a: int) -> None: ...

        assert type(declared._table.keywords) is DeclaredKeywords
        assert make()._table.keywords is make()._table.keywords is ANY

    def test_signals_that_share_a_call_site(self, make, implementation):
        """Many signals that take turns at one line of code get their own defaults."""
        signals = [make(), *map(declared_with, range(600))]
        for made in signals:
            made.connect(lambda *, a=None, **named: a)
        for _ in range(2):
            responses = [answers(made.send(None)) for made in signals]
            assert responses == [[None], *([number] for number in range(600))]

    def test_the_cache_keeps_no_signal_alive(self, implementation):
        """The cache of a call site keeps neither a declared signal nor its receiver alive."""
        made, receiver = declared_with(1), lambda **named: named["a"]
        made.connect(receiver)
        assert answers(made.send(None)) == [1]
        signals, receivers = ref(made), ref(receiver)
        del made, receiver
        assert (signals(), receivers()) == (None, None)


def declared_with(default: int) -> Any:
    """Return a declared signal whose keyword has this default."""

    @signal
    def declared(sender: object, *, a: int = default) -> None: ...

    return declared
