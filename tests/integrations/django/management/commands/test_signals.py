"""manage.py signals lists who listens to what."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.dispatch import Signal

import clarion
from tests.integrations.django.library.models import Author, hear_in_models

nobody_listens = Signal()


def signals(*args):
    out = StringIO()
    call_command("signals", *args, stdout=out)
    return out.getvalue()


def test_the_table_shows_receiver_sender_mode_and_place():
    """One line a receiver, under the name of its signal."""
    table = signals("models.signals.post_save").splitlines()
    assert table[0] == "django.db.models.signals.post_save"
    [line] = [line for line in table if "hear_in_models" in line]
    place = f"library/models.py:{hear_in_models.__code__.co_firstlineno}"
    assert Author.__qualname__ in line
    assert "sync, priority 5" in line
    assert line.endswith(place)
    assert table[-1] == "1 signals, 1 receivers"


def test_json_tells_everything():
    """For programs: each signal with its receivers, in the order of a send."""
    [found] = json.loads(signals("--json", "models.signals.post_save"))
    assert found["signal"] == "django.db.models.signals.post_save"
    [heard] = found["receivers"]
    assert heard["receiver"].endswith("library.models.hear_in_models")
    assert heard["file"] == hear_in_models.__code__.co_filename
    assert heard["sender"].endswith("library.models.Author")
    assert (heard["mode"], heard["priority"], heard["weak"]) == ("sync", 5, True)
    assert heard["dispatch_uid"] == "models"


def test_signals_that_nobody_hears_are_listed_on_request():
    """--all lists them too."""
    name = f"{__name__}.nobody_listens"
    assert name not in signals()
    assert name in signals("--all")


def test_signals_of_one_name_are_listed_one_by_one():
    """A signal that was given the name of another does not confuse the two."""
    namesakes = [clarion.Signal(name="namesake") for _ in range(2)]
    for namesake in namesakes:
        namesake.connect(lambda sender, **kwargs: None)
    assert signals("namesake").count("namesake\n") == 2


def test_a_name_that_no_signal_has_is_refused():
    """A misspelt name is an error, not an empty list."""
    with pytest.raises(CommandError, match="No signal has post_svae in its name"):
        signals("post_svae")
