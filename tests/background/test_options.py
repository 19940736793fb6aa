"""The options of a delivery to an engine."""

from datetime import timedelta

import pytest

from clarion.background import CallOptions, check_engine_options, check_numbers
from clarion.background.options import check_age, check_kinds
from clarion.errors import ArgumentError


def test_our_words_are_ours():
    """Clarion reads its own options, and the engine gets every other one."""
    options = CallOptions().changed({"retries": 2, "delay": 5, "queue": "mail", "aliases": ["a"]})
    assert (options.retries, options.delay, options.aliases) == (2, 5, ("a",))
    assert options.engine == {"queue": "mail"}


def test_options_are_added():
    """Later options are added to the earlier ones, and replace those of the same name."""
    options = CallOptions().changed({"queue": "mail", "expires": 5, "retries": 1})
    assert options.changed({"queue": "web"}).engine == {"queue": "web", "expires": 5}
    assert options.changed({"retries": 2}).retries == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retries", -1),
        ("retries", True),
        ("delay", -1),
        ("delay", float("nan")),
        ("delay", "5"),
        ("missing", "no"),
        ("using", 5),
        ("aliases", "name"),
        ("name", ""),
        ("outside", "later"),
    ],
)
def test_bad_values_are_refused(name, value):
    """A value that an option does not accept is refused."""
    with pytest.raises(ArgumentError) as caught:
        CallOptions().changed({name: value})
    assert caught.value.names == (name,)


def test_a_delay_may_be_a_timedelta():
    """A `timedelta` becomes seconds, and a negative one is refused."""
    assert CallOptions().changed({"delay": timedelta(minutes=2)}).delay == 120
    with pytest.raises(ArgumentError, match="0 to 31622400"):
        CallOptions().changed({"delay": timedelta(seconds=-1)})


def test_values_of_another_type_are_refused():
    """A value of another type is refused, and None is not."""
    check_kinds("Post", {"queue": "mail", "level": None, "other": 1}, {"queue": str, "level": int})
    for given, wanted in (({"queue": 3}, "text"), ({"level": 1.5}, "an int")):
        with pytest.raises(ArgumentError, match=f"Give {wanted}") as caught:
            check_kinds("Post", given, {"queue": str, "level": int})
        assert list(caught.value.names) == list(given)


def test_given_options_are_listed():
    """Only our options that differ from the defaults are listed."""
    assert CallOptions().changed({"retries": 2, "queue": "mail"}).given() == {"retries": 2}


def test_options_of_the_engine_are_accepted():
    """An engine gets the options that it has, and no others are named."""
    check_engine_options("Post", {"queue": "mail"}, ["queue", "priority"], {"eta": "Use delay="})
    check_engine_options("Post", {}, ())


@pytest.mark.parametrize(
    ("given", "known", "said", "names"),
    [
        (["b", "a"], ["queue", "eta"], "Post has no option a, b. It has eta, queue.", ("a", "b")),
        (["a"], [], "Post has no option a. Leave it out.", ("a",)),
        (
            ["countdown"],
            ["a"],
            "Post has no option countdown. Clarion's own option is delay.",
            ("countdown",),
        ),
        (
            ["retrys"],
            [],
            "Post has no option retrys. Clarion's own option is retries.",
            ("retrys",),
        ),
        (["Name"], ["a"], "Post has no option Name. Clarion's own option is name.", ("Name",)),
        (["when"], ["queue"], "Post was given when=. Use delay=.", ("when",)),
    ],
)
def test_other_options_are_refused(given, known, said, names):
    """The error names the options, and those that the engine has, or what to do instead."""
    with pytest.raises(ArgumentError) as raised:
        check_engine_options("Post", dict.fromkeys(given), known, {"when": "Use delay="})
    assert str(raised.value) == said
    assert tuple(raised.value.names) == names


def test_an_option_that_takes_a_number_gets_one():
    """A value that is no number is refused by its name; None and other options are not."""
    check_numbers("Post", {"priority": 5, "ttl": None, "queue": "mail"}, ["priority", "ttl"])
    with pytest.raises(ArgumentError) as raised:
        check_numbers("Post", {"priority": "high", "queue": "mail"}, ["priority", "ttl"])
    assert str(raised.value) == "Post was given priority=a str. Give a number."
    assert tuple(raised.value.names) == ("priority",)


@pytest.mark.parametrize(
    ("age", "delay", "unit"),
    [
        (-5, 0.0, 1.0),
        (0, 0.0, 1.0),
        (60, 60.0, 1.0),
        (30_000, 60.0, 0.001),
        (timedelta(1), 1e6, 1.0),
    ],
)
def test_a_call_does_not_expire_before_it_runs(age, delay, unit):
    """An age that ends before the delay, or at once, is refused."""
    with pytest.raises(ArgumentError, match="ends before a call may run") as caught:
        check_age("An engine", "expires", age, delay, unit)
    assert caught.value.names == ("expires",)


def test_other_ages_are_those_of_the_engine():
    """A longer time, None, and what is no length of time are accepted."""
    for age in (61, timedelta(minutes=2), None, "tomorrow"):
        check_age("An engine", "expires", age, 60.0)
