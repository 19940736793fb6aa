"""What receivers are called with, by the names that a send is given."""

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
    """Of a signal that takes any."""

    def test_the_sender_comes_first(self):
        """Unless it is given by name, then where it is given; the signal comes last."""
        assert Keywords()[()] == (("sender", "signal"), (), True)
        assert Keywords()["b", "a"] == (("sender", "b", "a", "signal"), (), True)
        assert Keywords()["b", "sender"] == (("b", "sender", "signal"), (), True)

    def test_a_signal_among_them_is_refused(self):
        """It has no entry, and none is kept."""
        made = Keywords()
        assert made["a", "signal"] is None
        assert not made

    def test_what_was_worked_out_is_kept(self):
        """The second time the very same is found."""
        made = Keywords()
        assert made["a",] is made["a",]
        assert len(made) == 1

    def test_no_more_are_kept_than_a_program_writes(self):
        """Names that are made up as it runs do not fill the memory."""
        made = Keywords()
        for number in range(3 * keywords.MOST + 5):
            assert made[f"made_up_{number}",] is not None
            assert 0 < len(made) <= keywords.MOST
        assert len(made) == 5

    def test_no_more_are_kept_of_all_sends(self, signal, implementation):
        """Nor by a signal that is sent so."""
        for number in range(2 * keywords.MOST):
            signal.send(None, **{f"made_up_{number}": number})
        assert len(ANY) <= keywords.MOST
        signal.connect(lambda made_up_1, **named: made_up_1)
        assert answers(signal.send(None, made_up_1=1)) == [1]


class TestDeclaredKeywords:
    """Of a declared signal."""

    @pytest.mark.parametrize("defaults", DEFAULTS, ids=",".join)
    @pytest.mark.parametrize("takes", [(), ("a",), PARAMETERS], ids=",".join)
    def test_every_way_of_sending(self, takes, defaults):
        """What is left out has its default, or there is no entry; what is unknown has none."""
        defaults = {name: value for name, value in defaults.items() if name in takes}
        made = DeclaredKeywords(dict.fromkeys(takes).keys(), defaults)
        for names in WAYS:
            given = {name: "given" for name in names if name != "sender"}
            fits = given.keys() <= {*takes} and {*takes} <= given.keys() | defaults.keys()
            entry = made[names]
            assert (entry is not None) is fits
            if entry is None:
                continue
            called_with, filled_in, tells = entry
            assert sorted(called_with) == sorted({"sender", *takes})
            first = names if "sender" in names else ("sender", *names)
            assert called_with[: len(first)] == first
            assert filled_in == tuple(defaults[name] for name in called_with[len(first) :])
            assert not tells

    @pytest.mark.parametrize("names", [("a",), ("b", "a"), ("c", "a"), (), ("a", "unknown")])
    def test_it_agrees_with_the_send_in_python(self, names, implementation):
        """Whoever has no entry is refused, and who has one is told the same."""

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

    def test_each_signal_has_its_own(self, make):
        """And those that were not declared share one."""

        @signal
        def declared(sender: object, *, a: int) -> None: ...

        assert type(declared._table.keywords) is DeclaredKeywords
        assert make()._table.keywords is make()._table.keywords is ANY

    def test_signals_that_are_sent_on_one_line(self, make, implementation):
        """Each fills in its own defaults, however many take turns at one place in the code."""
        signals = [make(), *map(declared_with, range(600))]
        for made in signals:
            made.connect(lambda *, a=None, **named: a)
        for _ in range(2):
            heard = [answers(made.send(None)) for made in signals]
            assert heard == [[None], *([number] for number in range(600))]

    def test_what_is_remembered_of_a_send_keeps_no_signal(self, implementation):
        """A declared signal goes at once, although it was sent, and so does its receiver."""
        made, receiver = declared_with(1), lambda **named: named["a"]
        made.connect(receiver)
        assert answers(made.send(None)) == [1]
        signals, receivers = ref(made), ref(receiver)
        del made, receiver
        assert (signals(), receivers()) == (None, None)


def declared_with(default: int) -> Any:
    """Return a declared signal whose keyword is this number unless given."""

    @signal
    def declared(sender: object, *, a: int = default) -> None: ...

    return declared
