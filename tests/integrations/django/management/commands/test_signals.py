"""manage.py signals lists the signals and their receivers."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.dispatch import Signal

from clarion import Signal as ClarionSignal
from clarion import on_commit
from tests.integrations.django.library.models import Author, note_in_models

unused = Signal()
keyed = Signal()


class Key:
    """A uid and a sender that shows a secret."""

    def __repr__(self):
        return "s3cret"


def signals(*args):
    out = StringIO()
    call_command("signals", *args, stdout=out)
    return out.getvalue()


def test_the_table_shows_receiver_sender_mode_and_place():
    """Each receiver has one line, under the name of its signal."""
    table = signals("models.signals.post_save").splitlines()
    assert table[0] == "django.db.models.signals.post_save"
    [line] = [line for line in table if "note_in_models" in line]
    place = f"library/models.py:{note_in_models.__code__.co_firstlineno}"
    assert Author.__qualname__ in line
    assert "sync, priority 5" in line
    assert line.endswith(place)
    assert table[-1] == "1 signal, 1 receiver"


def test_json_has_everything():
    """The JSON has each signal with its receivers, in the order of a send."""
    [listed] = json.loads(signals("--json", "models.signals.post_save"))
    assert listed["signal"] == "django.db.models.signals.post_save"
    [shown] = listed["receivers"]
    assert shown["receiver"].endswith("library.models.note_in_models")
    assert shown["file"] == note_in_models.__code__.co_filename
    assert shown["sender"].endswith("library.models.Author")
    assert (shown["mode"], shown["priority"], shown["weak"]) == ("sync", 5, True)
    assert shown["dispatch_uid"] == "models"


class Terminal(StringIO):
    """A stream of a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("columns", "lines"), [("80", 5), ("300", 3)])
def test_a_table_that_is_too_wide_is_a_list(monkeypatch, columns, lines):
    """In a narrow terminal the facts of a receiver stand below it, and no line is broken in a word."""
    monkeypatch.setenv("COLUMNS", columns)
    out = Terminal()
    call_command("signals", "models.signals.post_save", stdout=out)
    shown = out.getvalue().splitlines()
    assert len(shown) == lines
    assert shown[1].split()[0].endswith("library.models.note_in_models")
    if columns == "80":
        assert shown[2].startswith("    ")
        assert "sync, priority 5, weak" in shown[2] + shown[3]
        assert max(map(len, shown)) <= 80
        assert shown[-2].endswith(f"/models.py:{note_in_models.__code__.co_firstlineno}")


def test_control_characters_are_escaped():
    """A terminal does not obey the name of a receiver."""

    def receiver(sender, **kwargs): ...

    receiver.__qualname__ = "\x1b[31mred"
    signal = ClarionSignal(name="tests.coloured\x1b")
    signal.connect(receiver)
    shown = signals("tests.coloured")
    assert "\x1b" not in shown
    assert r"\x1b[31mred" in shown


def test_a_misspelt_name_is_proposed():
    """The message names the signals that are written alike, also those of other frameworks that are loaded."""
    with pytest.raises(CommandError, match="Did you mean ") as caught:
        signals("signals.post_svae")
    proposed = str(caught.value).partition("Did you mean ")[2].partition("?")[0].split(" or ")
    assert "django.db.models.signals.post_save" in proposed


def test_signals_without_receivers_are_listed_on_request():
    """--all lists the signals without receivers too."""
    name = f"{__name__}.unused"
    assert name not in signals()
    assert name in signals("--all")


def test_signals_of_the_same_name_are_both_listed():
    """Two signals of one name are listed with their own receivers."""

    def receiver(sender, **kwargs): ...

    namesakes = [ClarionSignal(name="tests.same"), ClarionSignal(name="tests.same")]
    for signal in namesakes:
        signal.connect(receiver)
    assert signals("tests.same").splitlines().count("tests.same") == 2


def test_a_name_that_no_signal_has_is_refused():
    """A misspelt name is an error, not an empty list."""
    with pytest.raises(CommandError, match="No signal has post_svae in its name"):
        signals("post_svae")


def test_keys_are_named_by_their_type():
    """A sender or uid that is a value is named by its type, because it may be secret."""
    sender = Key()  # a signal does not keep its senders alive
    keyed.connect(note_in_models, sender=sender, weak=False, dispatch_uid=(Key(), 1))
    [listed] = json.loads(signals("--json", f"{__name__}.keyed"))
    [shown] = listed["receivers"]
    assert shown["dispatch_uid"] == "a tuple"
    assert "s3cret" not in signals(f"{__name__}.keyed") + str(shown)


def test_the_delivery_is_shown():
    """The table and the JSON have the delivery with its options."""
    signal = ClarionSignal(name="tests.delivered")
    signal.connect(lambda **kwargs: None, delivery=on_commit(using="default"))
    assert "delivery=on_commit(using='default')" in signals("tests.delivered")
    [listed] = json.loads(signals("--json", "tests.delivered"))
    assert listed["receivers"][0]["delivery"] == "on_commit(using='default')"


def test_a_signal_without_receivers_is_named():
    """The command says that no receiver is connected."""
    assert signals(f"{__name__}.unused") == f"No receiver is connected to {__name__}.unused.\n"
    assert json.loads(signals("--json", f"{__name__}.unused")) == []


@pytest.mark.parametrize(
    ("filters", "is_listed"),
    [
        (["--app", "library"], True),
        (["--app", "auth"], False),
        (["--sender", "Author"], True),
        (["--sender", "library.Author"], True),
        (["--sender", "auth.User"], False),
        (["--sender", "Book"], False),
        (["--receiver", "note_in_models"], True),
        (["--receiver", "note_in_models", "--app", "auth"], False),
        (["--file", "library/models.py"], True),
        (["--file", "library/views.py"], False),
    ],
    ids=str,
)
def test_filters(filters, is_listed):
    """Receivers are filtered by app, sender and receiver."""
    assert ("note_in_models" in signals("post_save", *filters).partition("with --")[0]) is is_listed


def test_an_app_that_is_not_installed_is_refused():
    """A misspelt app is an error."""
    with pytest.raises(CommandError, match="No installed app with label 'libary'"):
        signals("--app", "libary")
