"""What the commands list."""

from clarion import Signal, on_commit
from clarion.introspect import registrations
from clarion.listing import (
    did_you_mean,
    facts_of,
    is_of_framework,
    list_signals,
    options_of,
    place_of,
    reading_order,
    sender_of,
    similar_names,
    some_of,
)

order_paid = Signal(name="tests.listing.order_paid")


def mail(sender, **kwargs):
    """Send a mail."""


async def log(sender, **kwargs):
    """Write a line."""


def test_signals_are_chosen_by_name():
    """With all receivers, in the order of a send."""
    with (
        order_paid.connected(mail, sender="web", delivery=on_commit),
        order_paid.connected(log, priority=3),
    ):
        (found,) = list_signals(["listing.order"])
        assert found.name == "tests.listing.order_paid"
        assert [each.name for each in found.receivers] == [f"{__name__}.log", f"{__name__}.mail"]
    assert list_signals(["no such signal"]) == []
    assert len(list_signals()) > 1


def test_the_programs_own_signals_come_first():
    """They are sorted by name, and so are the signals of Django and Clarion after them."""
    names = ["django.core.signals.ended", "clarion.signals.saved", "shop.paid", "djangoish.sent"]
    assert sorted(names, key=reading_order) == [
        "djangoish.sent",
        "shop.paid",
        "clarion.signals.saved",
        "django.core.signals.ended",
    ]
    assert reading_order("shop.paid") < reading_order("django.saved", has_own=True)
    assert reading_order("django.saved", has_own=True) < reading_order("clarion.signals.saved")
    assert is_of_framework("an object of django.apps.AppConfig")


def test_a_signal_with_a_receiver_of_the_program_comes_before_one_without():
    """A signal of a framework is listed after the program's own, and before the rest."""
    saved, ended = Signal(name="django.saved"), Signal(name="django.ended")
    with order_paid.connected(mail), saved.connected(mail):
        listed = [each.name for each in list_signals()]
    del ended
    own, foreign = listed.index("django.saved"), listed.index("django.ended")
    assert listed.index("tests.listing.order_paid") < own < foreign


def test_facts_of_a_receiver():
    """Its options as JSON, the unusual ones in words, and its place below the import folder."""
    with order_paid.connected(mail, sender="web", delivery=on_commit, once=True):
        (registration,) = registrations(order_paid)
        facts = facts_of(registration)
        assert (facts["sender"], facts["mode"], facts["delivery"]) == ("'web'", "sync", "on_commit")
        assert options_of(registration)[:2] == ["delivery=on_commit", "once"]
        assert sender_of(registration) == "'web'"
        assert place_of(registration).endswith(f"tests/test_listing.py:{facts['line']}")


def test_names_that_resemble_another():
    """Another case and a part come first, then what is written alike, by as many parts."""
    names = ["shop.order_paid", "shop.order_shipped", "till.stock"]
    assert similar_names("Order", names) == names[:2]
    assert similar_names("order_piad", names) == names[:1]
    assert similar_names("tll.stock", names) == names[2:]
    assert similar_names("zzz", names) == similar_names("", names) == []


def test_a_question_names_what_was_meant():
    """The names that are written alike are proposed, as parts or as a whole."""
    names = ["shop.order_paid", "shop.stock_low", "shop.order_shipped"]
    assert did_you_mean("order_piad", names) == "Did you mean shop.order_paid? "
    assert did_you_mean("ORDER", names) == "Did you mean shop.order_paid or shop.order_shipped? "
    assert did_you_mean("zzz", names) == did_you_mean("", names) == ""


def test_a_long_list_is_cut():
    """Ten names are listed, and the number of the others."""
    assert some_of(["b", "a"]) == "a, b"
    assert some_of([]) == "none"
    assert some_of(f"n{number:02}" for number in range(12)).endswith("n08, n09 and 2 more")
