"""manage.py clarion runs the commands of `clarion`."""

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from clarion import Signal

pytest.importorskip("typer")


def clarion(*arguments):
    with pytest.raises(SystemExit) as ended:
        call_command("clarion", *arguments)
    return ended.value.code


def test_it_lists_the_receivers_of_the_project(capsys):
    """`manage.py clarion ls` lists the project's receivers without the name of a module."""
    assert clarion("ls", "--signal", "models.signals.post_save", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert any(each["receiver"].endswith("note_in_models") for each in found["receivers"])


def test_it_draws_the_project(capsys):
    """`manage.py clarion graph` draws what `clarion graph` does."""
    assert clarion("graph", "--receiver", "note_in_models") == 0
    assert capsys.readouterr().out.startswith("flowchart LR\n")


def test_a_model_is_named_by_its_label(capsys):
    """As in the code of a project, which writes "auth.User"; a part of the label is enough to list."""
    order_paid = Signal(name="shop.order_paid")
    with order_paid.connected(lambda sender, **kwargs: None, sender=User):
        assert clarion("ls", "--signal", "shop.order_paid", "--sender", "auth.Us") == 0
        assert "django.contrib.auth.models.User" in capsys.readouterr().out
        assert clarion("explain", "shop.order_paid", "--sender", "auth.User") == 0
        assert "sent by django.contrib.auth.models.User" in capsys.readouterr().out
        assert clarion("explain", "shop.order_paid", "--sender", "auth.Usr") == 2
        assert "has the name auth.Usr" in capsys.readouterr().err


def test_the_projects_own_signals_come_first(capsys):
    """Each command shows them before those of Django, which has receivers of its own."""
    order_paid = Signal(name="shop.order_paid")
    with order_paid.connected(lambda sender, **kwargs: None):
        for command in ("ls", "graph"):
            assert clarion(command) == 0
            shown = capsys.readouterr().out
            assert shown.index("shop.order_paid") < shown.index("django.core.signals.")
        call_command("signals")
        shown = capsys.readouterr().out
        assert shown.index("shop.order_paid") < shown.index("django.core.signals.")


def test_it_knows_djangos_databases(capsys, monkeypatch):
    """The commands of stored deliveries take an alias of Django's, and need no URL and no MODULE."""
    monkeypatch.delenv("CLARION_DATABASE", raising=False)
    assert clarion("work", "--once", "--drain") == 2
    assert "Give one of them" in capsys.readouterr().err
    assert clarion("work", "--once", "--receiver", "nobody") == 2
    assert "durable receiver" in (text := capsys.readouterr().err) or "nobody" in text
    assert clarion("outbox", "status", "--database", "nowhere") == 2
    assert "'nowhere', which DATABASES does not have" in capsys.readouterr().err


def test_its_exit_code_is_that_of_the_command(capsys):
    """A mistake is one sentence with the command's exit code, and the help names the command."""
    assert clarion("explain", "--signal", "no.such_signal") == 2
    assert "error: No signal has the name no.such_signal" in capsys.readouterr().err
    assert clarion("ls", "--help") == 0
    assert "Usage: manage.py clarion ls" in capsys.readouterr().out
