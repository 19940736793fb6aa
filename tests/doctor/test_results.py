"""Receivers that a call returns, and that nothing holds."""

import pytest

PARTIAL = """
from functools import partial
from tests.doctor.weak import saved

def mail(number, **kwargs): ...

"""
FACTORY = """
from tests.doctor.weak import saved

def mailer(name):
    def mail(**kwargs): ...
    return mail

"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PARTIAL + "saved.connect(partial(mail, 1))", ("partial(mail)", 7)),
        (PARTIAL + "saved.connect(receiver=partial(mail, number=1))", ("partial(mail)", 7)),
        (FACTORY + "saved.connect(mailer('shop'))", ("mailer.mail", 8)),
        (
            FACTORY.replace("def mail(", "async def mail(") + "saved.connect(mailer(''))",
            ("mailer.mail", 8),
        ),
    ],
    ids=["partial", "keyword", "factory", "async factory"],
)
def test_a_result_that_nothing_holds_is_found(found, text, expected):
    """A partial and the local function of a factory die as soon as they are connected weakly."""
    (finding,) = found(text)
    assert finding.code == "W004"
    assert (finding.subject.partition(".receivers.")[2], finding.line) == expected
    assert "it dies as soon as it is connected" in finding.problem
    assert "weak=False" in finding.cure


@pytest.mark.parametrize(
    "text",
    [
        PARTIAL + "saved.connect(partial(mail, 1), weak=False)",
        PARTIAL + "kept = partial(mail, 1)\nsaved.connect(kept)",
        FACTORY + "saved.connect(mailer(''), weak=False)",
        FACTORY.replace("    return", "    kept.append(mail)\n    return")
        + "kept = []\nsaved.connect(mailer(''))",
        FACTORY.replace("def mailer", "@cache\ndef mailer").replace(
            "\n", "\nfrom functools import cache\n", 1
        )
        + "saved.connect(mailer(''))",
    ],
)
def test_a_result_that_something_may_hold_is_not_reported(found, text):
    """A receiver that is held, or that the function which returns it may hold, is no finding."""
    assert found(text) == []
