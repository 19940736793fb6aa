"""The payload of a failing receiver is freed at once, also by way of asgiref."""

import asyncio

import pytest
from django.db import transaction
from django.dispatch import Signal

from clarion import Signal as ClarionSignal
from clarion import on_commit
from tests.concurrency.freed import freed
from tests.concurrency.test_cycles import (
    asend,
    fail,
    fail_later,
    fail_when_awaited,
    run,
    send,
)

LATER = {"delivery": on_commit}


def send_in_a_block(signal, take, *, robust):
    """Send in a transaction of Django's."""
    with transaction.atomic():
        send(signal, take, robust=robust)


@pytest.mark.parametrize("robust", [False, True], ids=["", "robust"])
@pytest.mark.parametrize("way", [send, asend, send_in_a_block], ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "receivers",
    [
        [(fail, {})],
        [(fail_later, {})],
        [(fail_when_awaited, {}), (fail_later, {})],
        [(fail, {}), (fail_later, {})],
        [(fail, LATER)],
        [(fail_later, LATER)],
    ],
    ids=["sync", "async", "several", "both", "on_commit", "async on_commit"],
)
@pytest.mark.parametrize("kind", [Signal, ClarionSignal], ids=["django", "clarion"])
def test_payload_is_freed(kind, receivers, way, robust, transactional_db, monkeypatch):
    """The payload is freed when the sender drops the error or the responses."""
    if way is asend and receivers[0][1]:
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    signal = kind()
    for receiver, options in receivers:
        signal.connect(receiver, **options)
    with freed() as take:
        run(way, signal, take, robust=robust)


def test_error_of_a_coroutine_is_raised():
    """The error of a coroutine that asgiref runs is raised, and keeps no reference to the payload."""
    from clarion.integrations.django.dispatch.policy import DJANGO

    async def fail():
        await asyncio.sleep(0)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        DJANGO.run_coroutine(fail())
