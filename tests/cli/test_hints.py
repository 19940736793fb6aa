"""Why a list is empty."""

import sys

import pytest

from clarion.cli.hints import explain_empty
from clarion.listing import Filters

RECEIVERS = """
from clarion import Signal, receiver

paid = Signal(name="hinted.zebra_fed")
nobody = Signal(name="hinted.nobody")

class Till: ...

@receiver(paid, sender=Till)
def print_bill(sender, **kwargs): ...
"""


@pytest.fixture(autouse=True)
def hinted(tmp_path, monkeypatch):
    """Import a module with receivers, and forget it after the test."""
    (tmp_path / "hinted_receivers.py").write_text(RECEIVERS)
    monkeypatch.syspath_prepend(tmp_path)
    __import__("hinted_receivers")
    yield
    del sys.modules["hinted_receivers"]


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        (Filters(signal="hinted.zebra_fde"), "Did you mean hinted.zebra_fed?"),
        (Filters(signal="hinted.nobody"), "hinted.nobody has no receiver. Add --all"),
        (Filters(sender="hinted_receivers.Tll"), "Did you mean hinted_receivers.Till?"),
        (Filters(receiver="PRINT_BILL"), "Did you mean hinted_receivers.print_bill?"),
        (Filters(file="hinted_recievers.py"), "hinted_receivers.py?"),
        (
            Filters(receiver="zzzzzzzz", file="a.py"),
            "with --receiver zzzzzzzz, --file a.py. Leave a filter out",
        ),
    ],
)
def test_an_empty_list_is_explained(capsys, filters, text):
    """A hint names what was meant, or how to see signals without receivers."""
    explain_empty(filters, every=False)
    assert text in " ".join(capsys.readouterr().err.split())


def test_without_a_filter_there_is_no_hint(capsys):
    """Another hint says that no receiver is connected."""
    explain_empty(Filters(), every=False)
    assert capsys.readouterr().err == ""
