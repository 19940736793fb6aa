"""The completion of names in a shell."""

import pytest
import typer
from typer.main import get_group

from clarion import Signal, durable
from clarion.cli.app import app
from clarion.cli.completion import complete_durable, completions, is_completing

RECEIVERS = """
import sys
from clarion import Signal

print("printed by the module")
print("an error of the module", file=sys.stderr)
paid = Signal(name="shop.order_paid")
sent = Signal(name="shop.order_sent")

class Order: ...

def mail(sender, **kwargs): ...

paid.connect(mail, sender=Order)
"""


@pytest.fixture
def complete(command, tmp_path):
    """Return a function that completes the last word of a command line."""
    (tmp_path / "receivers.py").write_text(RECEIVERS)

    def complete(line, **environment):
        words = line.split(" ")
        done = command(
            _CLARION_COMPLETE="complete_bash",
            COMP_WORDS="\n".join(words),
            COMP_CWORD=str(len(words) - 1),
            **environment,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return complete


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("clarion explain receivers --signal shop.", ["shop.order_paid", "shop.order_sent"]),
        ("clarion explain receivers -s order_p", ["order_paid"]),
        ("clarion explain receivers -s shop.order_paid -S receivers.", ["receivers.Order"]),
        ("clarion ls receivers --signal shop.order_s", ["shop.order_sent"]),
        ("clarion ls receivers --sender O", ["Order"]),
        ("clarion graph receivers --receiver ma", ["mail"]),
        ("clarion graph receivers -r receivers.", ["receivers.mail"]),
        ("clarion explain receivers shop.", ["shop.order_paid", "shop.order_sent"]),
        ("clarion explain shop.", []),
        ("clarion ls rec", ["receivers"]),
        ("clarion ls receivers --signal = order_s", ["order_sent"]),
        ("clarion ls --signal shop.", []),
        ("clarion ls no_such_module --signal shop.", []),
        ("clarion ls -bad --signal shop.", []),
    ],
)
def test_a_name_is_completed(complete, line, found):
    """Names are those of the modules on the line, and nothing else is printed."""
    assert complete(line) == found


@pytest.mark.parametrize("text", ["1/0", "raise SystemExit(3)", "def f(:"])
def test_a_module_that_raises_completes_nothing(complete, tmp_path, text):
    """An error of the user's module completes nothing, and prints nothing."""
    (tmp_path / "broken.py").write_text(text)
    assert complete("clarion ls receivers broken --signal shop.") == []


def test_a_thread_of_a_module_keeps_no_shell_waiting(complete, tmp_path):
    """A module with a thread that never ends is completed, and nothing is printed about the thread."""
    (tmp_path / "polling.py").write_text(
        "import receivers, threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
    )
    assert complete("clarion ls polling --signal shop.order_p") == ["shop.order_paid"]


def test_ends_come_only_if_no_name_begins_so():
    """A name that begins with the text comes first, and control characters are escaped."""
    names = ["shop.order.paid", "order.sent", "shop.\x1b"]
    assert completions(names, "order") == ["order.sent"]
    assert completions(names, "pa") == ["paid"]
    assert completions(names, "shop.\\") == [r"shop.\x1b"]
    assert completions(names, "") == ["order.sent", "shop.\\x1b", "shop.order.paid"]


def test_a_command_is_no_completion(monkeypatch):
    """The variable of the shell's script says whether it completes."""
    assert not is_completing()
    monkeypatch.setenv("_CLARION_COMPLETE", "complete_bash")
    assert is_completing()


def line_with(params, *args):
    """Return a command line that Typer has read so far."""
    context = typer.Context(get_group(app))
    context.params = params
    context.args = [*args]
    return context


def test_stored_names_of_durable_receivers_are_completed():
    """`work --receiver` has the names that the rows have."""
    signal = Signal()
    signal.connect(lambda **kwargs: None, delivery=durable(name="completed:mail"))
    line = line_with({"modules": [__name__]}, "shop:database")
    assert complete_durable(line, "completed:") == ["completed:mail"]
