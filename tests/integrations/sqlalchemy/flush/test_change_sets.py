"""Receivers that ask for `changes`: what is true when they are called."""

import json
from functools import partial

import pytest
from sqlalchemy import inspect, update

from clarion import receiver
from clarion.integrations.sqlalchemy import post_save, pre_save
from tests.integrations.sqlalchemy.asked import ask
from tests.integrations.sqlalchemy.shop import Line, Order


class Later:
    """A delivery whose calls are made when the test says so."""

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
    """An order that is stored, and expired as after any commit."""
    order = Order(number="1", amount=1)
    session.add(order)
    session.commit()
    return order


def test_each_receiver_of_pre_save_sees_what_is_true_for_it(session, order):
    """What one changes, the next is told; and post_save is told the end of it."""
    first, after = ask(pre_save, priority=2), ask(post_save)

    @receiver(pre_save, sender=Order, priority=1)
    def change(instance, **kwargs):
        instance.note = "changed"

    last = ask(pre_save)

    order.amount = 2
    session.flush()
    assert first.take() == {"amount": (1, 2)}
    assert last.take() == {"amount": (1, 2), "note": (None, "changed")}
    assert after.take() == {"amount": (1, 2), "note": (None, "changed")}


def test_a_change_of_a_later_round_is_told_after(session, order):
    """What a receiver changes in an instance that was told already is written, too."""
    before, after = ask(pre_save), ask(post_save)

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


def test_what_others_change_after_the_flush_is_not_told(session, order):
    """Each receiver of post_save is told what was written."""
    other = Order(number="2", amount=1)
    session.add(other)
    session.commit()

    @receiver(post_save, sender=Order, priority=1)
    def change(instance, **kwargs):
        order.amount = other.amount = 99

    after = ask(post_save)
    order.amount, other.amount = 2, 3
    session.flush()
    assert [changes["amount"] for changes in after[:2]] == [(1, 2), (1, 3)]


def test_flush_in_a_receiver(session, order):
    """What it writes is told with changes of its own, and the outer ones stay."""

    @receiver(post_save, sender=Order, priority=1)
    def again(instance, **kwargs):
        if instance.note is None:
            instance.note = "n"
            session.flush()

    after = ask(post_save)
    order.amount = 2
    session.flush()
    assert [dict(changes) for changes in after] == [{"note": (None, "n")}, {"amount": (1, 2)}]


def test_rolled_back_flush_is_forgotten(session, order):
    """The next one reads the row again."""
    before = ask(pre_save)

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


def test_once_it_is_told_it_is_forgotten(session, order):
    """A later flush is not told of this one, nor does the instance keep anything."""
    after = ask(post_save)
    order.amount = 2
    session.flush()
    assert "_clarion_changes" not in vars(inspect(order))
    order.note = "n"
    session.flush()
    assert after.take() == {"note": (None, "n")}


def test_after_the_commit(session, order):
    """A receiver whose call comes later is given what was true in the send."""
    later, told = Later(), ask(post_save)

    @receiver(post_save, sender=Order, delivery=later)
    def keep(changes, **kwargs):
        told.append(changes)

    order.amount = 2
    session.flush()
    order.amount = 3
    session.commit()
    session.close()
    later.run()
    assert [dict(changes) for changes in told] == [
        {"amount": (1, 2)},
        {"amount": (2, 3)},
        {"amount": (1, 2)},
        {"amount": (2, 3)},
    ]
    assert told[0] is told[2]
    assert json.dumps(dict(told[3])) == '{"amount": [2, 3]}'
