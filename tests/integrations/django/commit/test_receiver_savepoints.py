"""A robust send with a savepoint around each receiver, in Django's atomic blocks."""

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction
from django.dispatch import Signal

from clarion import on_commit
from clarion.commit import savepoints
from tests.integrations.django.library.models import Copy

paid = Signal()


@pytest.fixture
def names(database):
    """Connect receivers that write: one breaks a constraint. Return what is stored then."""
    ran = []

    def add(code):
        Copy.objects.using(database).create(code=code)

    def fail(sender, **kwargs):
        add("gone")
        later.send(None)
        add("first")

    def swallow(sender, **kwargs):
        try:
            with transaction.atomic(using=database):
                add("first")
        except IntegrityError:
            return "hidden"

    def write(sender, **kwargs):
        add("kept")
        later.send(None)

    async def write_async(sender, **kwargs):
        await Copy.objects.using(database).acreate(code="kept too")

    later = Signal()
    later.connect(
        lambda sender, **kw: ran.append("ran"), delivery=on_commit(using=database), weak=False
    )
    receivers = [fail, swallow, write, write_async]
    for each in receivers:
        paid.connect(each, weak=False)
    add("first")
    yield lambda: (sorted(Copy.objects.using(database).values_list("code", flat=True)), ran)
    for each in receivers:
        paid.disconnect(each)
    Copy.objects.using(database).all().delete()


def check(responses):
    """Check that only the first receiver failed."""
    assert [isinstance(each, Exception) for _, each in responses] == [True, False, False, False]


def test_failing_receiver_undoes_its_own_writes(database, names, transactional_db):
    """A failing receiver undoes its own writes; the block and the callbacks of the others go on."""
    with transaction.atomic(using=database):
        check(savepoints(paid).send_robust(None, using=database))
    assert names() == (["first", "kept", "kept too"], ["ran"])


def test_asend_robust(database, names, transactional_db):
    """`asend_robust` sets its savepoints in the thread that holds the connection."""

    async def send():
        return await savepoints(paid).asend_robust(None, using=database)

    with transaction.atomic(using=database):
        check(async_to_sync(send)())
    assert names() == (["first", "kept", "kept too"], ["ran"])


def test_without_a_block(database, names, transactional_db):
    """In autocommit no savepoint is set, so the writes of a failing receiver before its error stay."""
    check(savepoints(paid).send_robust(None, using=database))
    assert names() == (["first", "gone", "kept", "kept too"], ["ran", "ran"])
