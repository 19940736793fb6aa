"""Receivers that are not connected, because another one has their `dispatch_uid`."""

import pytest

FIRST = """
from clarion import Signal, receiver
paid = Signal()
sent = Signal()

class Shop: ...

@receiver(paid, dispatch_uid="mail")
def first(**kwargs): ...

"""


@pytest.mark.filterwarnings("ignore::clarion.errors.ConnectWarning")
@pytest.mark.parametrize(
    "text",
    [
        '@receiver(paid, dispatch_uid="mail")\ndef second(**kwargs): ...',
        'def second(**kwargs): ...\npaid.connect(second, dispatch_uid="mail")',
        'def second(**kwargs): ...\ndef ready():\n    paid.connect(second, dispatch_uid="mail")\nready()',
    ],
)
def test_a_second_receiver(found, text):
    """It is found where it is connected, with the receiver that has the uid."""
    [finding] = found(FIRST + text)
    assert finding.code == "W010"
    assert finding.line == 11 + text[: text.index("dispatch_uid")].count("\n")
    assert finding.problem.startswith("Receiver second of signal planted")
    assert finding.problem.endswith(".receivers.first has the dispatch_uid 'mail' already.")


@pytest.mark.parametrize(
    "text",
    [
        '@receiver(paid, dispatch_uid="other")\ndef second(**kwargs): ...',
        '@receiver(sent, dispatch_uid="mail")\ndef second(**kwargs): ...',
        '@receiver(paid, sender=Shop, dispatch_uid="mail")\ndef second(**kwargs): ...',
        '@receiver([paid, sent], sender=Shop, dispatch_uid="mail")\ndef second(**kwargs): ...',
        'paid.connect(first, dispatch_uid="mail")',
        'def wrap(f): return lambda **k: f(**k)\n@receiver(sent, dispatch_uid="a")\n@wrap\ndef second(**k): ...',
        'for each in (1, 2):\n    sent.connect(first, sender=each, dispatch_uid="a")',
        'def second(**kwargs): ...\ndef later():\n    paid.connect(second, dispatch_uid="mail")',
        'def second(**kwargs): ...\nif False:\n    paid.connect(second, dispatch_uid="mail")',
    ],
)
def test_without_the_fault(found, text):
    """Another uid, signal or sender, the same receiver, a decorated one, and code that did not run are fine."""
    assert found(FIRST + text) == []
