"""`clarion ls` and `clarion explain`."""

import json
import sys

import pytest

RECEIVERS = """
from clarion import Signal, durable, on_commit, receiver

order_paid = Signal(name="till.order_paid")
nobody = Signal(name="till.nobody")

class Till: ...

@receiver(order_paid, sender=Till, priority=5)
def print_bill(sender, **kwargs): ...

@receiver(order_paid, delivery=on_commit)
def mail(sender, **kwargs): ...

@receiver(order_paid, sender="web", delivery=durable(name="index"))
async def index(sender, **kwargs): ...

order_shown = Signal(name="till.order_shown")

@receiver(order_shown)
def show(sender, **kwargs): ...
"""


@pytest.fixture
def till(tmp_path, monkeypatch):
    """Write a module with receivers, and forget it after the test."""
    (tmp_path / "till_receivers.py").write_text(RECEIVERS)
    monkeypatch.syspath_prepend(tmp_path)
    yield "till_receivers"
    sys.modules.pop("till_receivers", None)


@pytest.fixture
def listed(invoke, till):
    """Return a function that returns the receivers that `ls --json` lists."""

    def listed(*options):
        done = invoke("ls", till, "--signal", "till.", "--json", *options)
        assert done.exit_code == 0
        return {
            each["signal"]: [found["receiver"] for found in each["receivers"]]
            for each in json.loads(done.stdout)
        }

    return listed


def test_receivers_are_listed_in_the_order_of_a_send(invoke, till):
    """Receivers are listed in the order of a send, with their senders, options and places."""
    done = invoke("ls", till, "--signal", "till.order_paid")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == "till.order_paid"
    assert [line.split()[0] for line in lines[2:5]] == [
        f"till_receivers.{name}" for name in ("print_bill", "mail", "index")
    ]
    assert "till_receivers.Till" in lines[2]
    assert "sync, priority 5" in lines[2]
    assert "any" in lines[3]
    assert "sync, delivery=on_commit" in lines[3]
    assert "async, delivery=durable(name='index')" in lines[4]
    assert lines[4].endswith("till_receivers.py:15")
    assert lines[5] == "1 signal, 3 receivers."


def test_filters(listed):
    """A receiver, a sender and a file select receivers; signals without one are left out."""
    assert listed("--receiver", "mail") == {"till.order_paid": ["till_receivers.mail"]}
    assert listed("--sender", "Till") == {"till.order_paid": ["till_receivers.print_bill"]}
    assert listed("--file", "another.py") == {}
    assert len(listed("--file", "till_receivers.py")["till.order_paid"]) == 3
    assert listed("--receiver", "mail", "--all")["till.nobody"] == []


def test_a_send_is_explained(invoke, till):
    """The output has the receivers that the send calls, and the others with the reason."""
    done = invoke("explain", till, "--signal", "till.order_paid", "--sender", "Till")
    assert (done.exit_code, done.stderr) == (0, "")
    calls, others = done.stdout.split("would not call")
    assert "sent by till_receivers.Till" in calls
    assert "1. till_receivers.print_bill" in calls
    assert "2. till_receivers.mail" in calls
    assert "till_receivers.index" in others
    assert "listens to 'web'" in others
    assert "This is a send outside a transaction." in others


def test_only_deliveries_have_the_line_about_a_transaction(invoke, till):
    """An explanation of receivers inside the send does not mention transactions."""
    done = invoke("explain", till, "--signal", "till.order_shown")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "till_receivers.show" in done.stdout
    assert "transaction" not in done.stdout


def test_an_explanation_as_json(invoke, till):
    """An explanation can be JSON, and a sender that is text is named unchanged."""
    done = invoke("explain", till, "-s", "till.order_paid", "-S", "web", "--json")
    found = json.loads(done.stdout)
    assert found["signal"] == "till.order_paid"
    assert [each["receiver"] for each in found["calls"]] == [
        "till_receivers.mail",
        "till_receivers.index",
    ]
    (other,) = found["does_not_call"]
    assert other["reason"] == "listens to till_receivers.Till"
    assert other["line"] == 9


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-s", "l.order_paid"], "No signal has the name l.order_paid"),
        (
            ["-s", "till.order_paid", "-S", "Tall"],
            "Receivers are connected for: till_receivers.Till, web",
        ),
    ],
)
def test_a_mistake_is_one_sentence(invoke, till, options, expected):
    """The message of a wrong name lists the right ones, and the exit code is 2."""
    done = invoke("explain", till, *options)
    assert done.exit_code == 2
    assert expected in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("signal", ["till.order_paid", "order_shown"])
def test_a_signal_may_stand_after_the_modules(invoke, till, signal):
    """`clarion explain MODULE SIGNAL` is the same as with --signal."""
    after = invoke("explain", till, signal)
    assert (after.exit_code, after.stderr) == (0, "")
    assert after.stdout == invoke("explain", till, "--signal", signal).stdout


def test_a_signal_names_its_own_module(invoke, till, tmp_path):
    """`clarion explain SIGNAL` imports the module in the name of the signal."""
    (tmp_path / "till_alone.py").write_text(
        "from clarion import Signal\nopened = Signal()\n@opened.connect\ndef light(**kwargs): ...\n"
    )
    done = invoke("explain", "till_alone.opened")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1. till_alone.light" in done.stdout
    done = invoke("explain", "till_alone.opened", "--sender", "shop")
    assert done.exit_code == 2
    assert done.stderr.endswith("Its receivers are connected for any sender: leave --sender out.\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Name a module that connects receivers"),
        (["till_receivers"], "Name the signal, after the modules or with --signal. Those with"),
        (["till_receivers", "-s", "till.order_piad"], "Did you mean till.order_paid"),
        (["till_receivers", "-s", ""], "No signal has the name ''."),
        (["till.gone", "paid"], "No module till.gone was found"),
    ],
)
def test_a_signal_has_to_be_named(invoke, till, arguments, expected):
    """Without a signal, or with a misspelt one, the message says which there are."""
    done = invoke("explain", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr


@pytest.mark.parametrize("option", ["--signal", "--sender", "--receiver", "--file"])
def test_a_filter_that_matches_nothing_is_explained(invoke, till, option):
    """An empty list alone would look like a program without receivers."""
    done = invoke("ls", till, option, "clishop_gone")
    assert done.stdout == "0 signals, 0 receivers.\n"
    assert done.stderr.startswith(f"hint: Nothing is connected with {option} clishop_gone. ")
    assert invoke("ls", till, "--receiver", "print_bill").stderr == ""
    as_json = invoke("ls", till, option, "clishop_gone", "--json")
    assert (json.loads(as_json.stdout), as_json.stderr) == ([], done.stderr)
