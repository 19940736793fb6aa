"""An interrupt anywhere in the end of Django's atomic(), and at a random microsecond of it."""

from functools import partial
from random import Random
from typing import Any

import pytest
from django.db import connections, transaction

from tests.commit.interrupts import (
    KINDS,
    attempts,
    check_outcome,
    interrupted_after,
    records_of_clarion,
)
from tests.integrations.django.commit.sends import create, order_paid
from tests.integrations.django.library.models import Author


@pytest.fixture(params=["other", pytest.param("postgres", marks=pytest.mark.service)])
def connection(request, transactional_db):
    """Return a connection that threads of the test may use."""
    found = connections[request.getfixturevalue(request.param)]
    found.ensure_connection()
    found.inc_thread_sharing()
    yield found
    used_again(found)
    found.dec_thread_sharing()


def used_again(connection):
    """Close a connection as a program does that cannot know its state, and open it."""
    connection.in_atomic_block, connection.savepoint_ids = False, []
    connection.atomic_blocks, connection.commit_on_exit = [], True
    connection.needs_rollback = connection.closed_in_transaction = False
    connection.close()
    connection.ensure_connection()


def pay(connection, scheduled, name="Ann"):
    """Save an author and send, inside a transaction."""
    create(name, connection.alias)
    sent = order_paid.send(None, name=name, using=connection.alias)
    scheduled += [each for _, each in sent]


def committed(connection, scheduled, interrupt):
    """Interrupt the end of a block."""
    connections[connection.alias] = connection  # those of a thread are its own
    with transaction.atomic(connection.alias):
        pay(connection, scheduled)
        interrupt.start()


def paid(connection, scheduled, name, start):
    """Start the time before the end of a block."""
    with transaction.atomic(connection.alias):
        pay(connection, scheduled, name)
        start()


def names_of(connection):
    """Return the names of the authors that are committed, and delete them."""
    authors = Author.objects.using(connection.alias)
    names = set(authors.values_list("name", flat=True))
    authors.all()._raw_delete(connection.alias)
    return names


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_commit(connection, kind, step, note, ran):
    """No receiver is lost without a word: the outcome of the COMMIT decides."""
    outcomes: set[bool] = set()
    scheduled: list[Any] = []
    with records_of_clarion() as records:
        run = partial(committed, connection, scheduled)
        for interrupt in attempts(run, kind, step=step):
            used_again(connection)
            rows = names_of(connection)
            outcomes.add(bool(rows))
            # post_save has the receiver, too.
            statuses = [each.status for each in scheduled]
            check_outcome(rows, ran, records, statuses, interrupt.where)
            for each in (ran, records, scheduled):
                each.clear()
    assert outcomes == {True, False}


@pytest.mark.slow
def test_commits_interrupted_at_random(connection, note, ran):
    """A real signal comes at a random microsecond, and no receiver is lost without a word."""
    random, interrupted, outcomes = Random(0), 0, []  # noqa: S311
    for number in range(1_000):
        scheduled: list[Any] = []
        with records_of_clarion() as records:
            program = partial(paid, connection, scheduled, str(number))
            interrupted += interrupted_after(random.uniform(1e-6, 3e-3), program)
            used_again(connection)
            outcomes.append(([each.status for each in scheduled], ran.copy(), records.copy()))
            ran.clear()
    rows = names_of(connection)
    for number, (statuses, names, records) in enumerate(outcomes):
        check_outcome({str(number)} & rows, names, records, statuses, number)
    assert interrupted > 100
