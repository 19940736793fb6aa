"""`outside` for async receivers of sends without a transaction of Django's."""

import asyncio

import pytest
from django.db import transaction
from django.dispatch import Signal as DjangoSignal

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.errors import BoundaryError

SENDS = ("send", "send_robust", "asend", "asend_robust")


def made(signal, name):
    """Make a send: a sync one without a loop, an async one in a loop."""
    result = getattr(signal, name)(None)
    [(_, response)] = asyncio.run(result) if name.startswith("a") else result
    return response


@pytest.mark.parametrize("kind", [Signal, DjangoSignal], ids=["plain", "django"])
@pytest.mark.parametrize("name", SENDS)
@pytest.mark.parametrize("outside", ["run", "skip", "refuse"])
def test_outside_decides_only_without_a_transaction(transactional_db, kind, name, outside):
    """In autocommit each option does what it says; in a transaction all of them wait."""
    paid, calls = kind(), []

    async def mail(**kwargs):
        calls.append(outside)

    paid.connect(mail, delivery=on_commit(outside=outside))
    try:
        response = made(paid, name)
    except BoundaryError as error:
        response = error
        assert not name.endswith("robust")
    assert calls == (["run"] if outside == "run" else [])
    assert isinstance(response, BoundaryError) == (outside == "refuse")
    calls.clear()
    with transaction.atomic():
        paid.send(None)
        assert calls == []
    assert calls == [outside]


def test_a_block_of_clarion_in_a_transaction_of_django_is_warned_of(transactional_db):
    """The block does not wait for Django's commit, so a rollback would come too late."""
    paid, calls = Signal(), []
    paid.connect(lambda **kw: calls.append("mail"), weak=False, delivery=on_commit)
    with transaction.atomic():
        with (
            pytest.warns(RuntimeWarning, match="Django's default database"),
            atomic(),
        ):
            paid.send(None)
        assert calls == ["mail"]
        transaction.set_rollback(True)


def test_other_blocks_of_clarion_are_not(transactional_db, recwarn):
    """A block outside of a transaction, one with an alias, and one inside such a block are meant."""
    with atomic():
        pass
    with transaction.atomic(), atomic(using="cache"), atomic(using="cache"):
        pass
    assert not recwarn.list


def test_the_transaction_of_a_test_is_not(db, recwarn):
    """A test's own transaction is none of the program."""
    with atomic():
        pass
    assert not recwarn.list
