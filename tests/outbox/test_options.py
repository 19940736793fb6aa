"""The options of a durable delivery."""

from datetime import timedelta

import pytest

from clarion import durable
from clarion.errors import ArgumentError
from clarion.outbox.options import LONGEST_DELAY, Options, options_of


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delay", -1),
        ("delay", "5"),
        ("delay", float("nan")),
        ("delay", LONGEST_DELAY * 2),
        ("delay", True),
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("backoff", -0.1),
        ("backoff", "fast"),
        ("timeout", 0),
        ("timeout", float("inf")),
        ("missing", "ignore"),
        ("dead", "skip"),
        ("effects", "once"),
        ("database", 5),
        ("aliases", "old"),
        ("aliases", [""]),
        ("name", ""),
        ("name", 5),
        ("name", "x" * 300),
    ],
)
def test_a_wrong_value_is_refused(name, value):
    """A wrong value is refused; message and exception name the option."""
    with pytest.raises(ArgumentError) as raised:
        durable(**{name: value})
    assert raised.value.names[0] in {name, "name"}


def test_no_message_shows_a_value():
    """No message shows a value, which may be a secret."""
    with pytest.raises(ArgumentError) as raised:
        durable(database=("postgresql://root:hunter2@db",))
    assert "hunter2" not in str(raised.value)


def test_options_are_compared_and_given():
    """A list of aliases equals a tuple of them, and only what was given is shown."""
    assert options_of(aliases=["old"]) == Options(aliases=("old",))
    assert options_of(retries=3, delay=5).given() == {"retries": 3, "delay": 5}


@pytest.mark.parametrize("name", ["delay", "backoff", "timeout"])
def test_a_duration_may_be_a_timedelta(name):
    """A `timedelta` becomes seconds, and a negative one is refused."""
    assert getattr(options_of(**{name: timedelta(minutes=2)}), name) == 120
    with pytest.raises(ArgumentError, match=f"{name}="):
        options_of(**{name: timedelta(seconds=-1)})
    assert options_of().given() == {}


def test_an_option_that_does_not_exist_is_refused():
    """An unknown option is a TypeError of Python."""
    with pytest.raises(TypeError, match="retry"):
        durable(retry=3)


def test_positional_arguments_are_refused():
    """`@durable` on a function is refused, and the message has the correct line."""

    def mail(sender, **kwargs):
        pass

    with pytest.raises(ArgumentError, match="delivery=durable"):
        durable(mail)  # type: ignore[arg-type]
