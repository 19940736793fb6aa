"""`outside` for async receivers of sends without a transaction of Django's."""

import asyncio

import pytest
from django.db import transaction
from django.dispatch import Signal as DjangoSignal

from clarion import Signal, on_commit
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
