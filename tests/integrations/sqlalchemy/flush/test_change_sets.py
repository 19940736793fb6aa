"""Receivers that request `changes`: the changes at the time of their call."""

import json
from functools import partial

import pytest
from sqlalchemy import inspect, update

from clarion import receiver
from clarion.integrations.sqlalchemy import post_save, pre_save
from tests.integrations.sqlalchemy.kept_changes import keep_changes
from tests.integrations.sqlalchemy.shop import Line, Order


class Later:
    """A delivery that makes its calls when the test says so."""

    provides = ()

    def __init__(self):
        self.calls = []

    def bind(self, receiver, signal):
        return self

    def send(self, signal, registration, receiver, /, **named):
        self.calls.append(partial(receiver, **named))

    def run(self):
        """Make the calls."""
        for call in self.calls:
            call()


@pytest.fixture
def order(session):
    """A stored order, expired as after any commit."""
    order = Order(number="1", amount=1)
    session.add(order)
    session.commit()
    return order


def test_each_receiver_of_pre_save_sees_earlier_changes(session, order):
    """A receiver of pre_save sees changes by earlier receivers, and post_save gets all of them."""
    first, after = keep_changes(pre_save, priority=2), keep_changes(post_save)

    @receiver(pre_save, sender=Order, priority=1)
    def change(instance, **kwargs):
        instance.note = "changed"

    last = keep_changes(pre_save)

    order.amount = 2
    session.flush()
    assert first.take() == {"amount": (1, 2)}
    assert last.take() == {"amount": (1, 2), "note": (None, "changed")}
    assert after.take() == {"amount": (1, 2), "note": (None, "changed")}


def test_post_save_has_changes_of_later_rounds(session, order):
    """post_save has a change that was made after the pre_save of its instance."""
    before, after = keep_changes(pre_save), keep_changes(post_save)

    @receiver(pre_save, sender=Line)
    def note(**kwargs):
        order.note = "line"

    @receiver(pre_save, sender=Order)
    def add(**kwargs):
        if not session.new:
            session.add(Line(text="t"))

    order.amount = 2
    session.flush()
    assert before.take() == {"amount": (1, 2)}
    assert after.take() == {"amount": (1, 2), "note": (None, "line")}


def test_changes_after_the_flush_are_not_sent(session, order):
    """Each receiver of post_save gets the written values, not later ones."""
    other = Order(number="2", amount=1)
    session.add(other)
    session.commit()

    @receiver(post_save, sender=Order, priority=1)
    def change(instance, **kwargs):
        order.amount = other.amount = 99

    after = keep_changes(post_save)
    order.amount, other.amount = 2, 3
    session.flush()
    assert [changes["amount"] for changes in after[:2]] == [(1, 2), (1, 3)]


def test_flush_in_a_receiver(session, order):
    """A flush in a receiver has its own changes, and those of the outer flush stay."""

    @receiver(post_save, sender=Order, priority=1)
    def again(instance, **kwargs):
        if instance.note is None:
            instance.note = "n"
            session.flush()

    after = keep_changes(post_save)
    order.amount = 2
    session.flush()
    assert [dict(changes) for changes in after] == [{"note": (None, "n")}, {"amount": (1, 2)}]


def test_rolled_back_flush_is_forgotten(session, order):
    """After a flush that was rolled back, the next one reads the row again."""
    before = keep_changes(pre_save)

    @receiver(pre_save, sender=Order)
    def refuse(changes, **kwargs):
        if changes["amount"].new == 2:
            raise ValueError("two")

    order.amount = 2
    with pytest.raises(ValueError, match="two"):
        session.flush()
    session.rollback()
    assert before.take() == {"amount": (1, 2)}
    session.execute(update(Order).values(amount=9))
    session.commit()
    order.amount = 3
    session.flush()
    assert before.take() == {"amount": (9, 3)}


def test_changes_are_forgotten_after_the_flush(session, order):
    """A later flush does not have earlier changes, and the instance stores none."""
    after = keep_changes(post_save)
    order.amount = 2
    session.flush()
    assert "_clarion_changes" not in vars(inspect(order))
    order.note = "n"
    session.flush()
    assert after.take() == {"note": (None, "n")}


def test_after_the_commit(session, order):
    """A receiver that is called later gets the changes of the send."""
    later, sent = Later(), keep_changes(post_save)

    @receiver(post_save, sender=Order, delivery=later)
    def keep(changes, **kwargs):
        sent.append(changes)

    order.amount = 2
    session.flush()
    order.amount = 3
    session.commit()
    session.close()
    later.run()
    assert [dict(changes) for changes in sent] == [
        {"amount": (1, 2)},
        {"amount": (2, 3)},
        {"amount": (1, 2)},
        {"amount": (2, 3)},
    ]
    assert sent[0] is sent[2]
    assert json.dumps(dict(sent[3])) == '{"amount": [2, 3]}'
