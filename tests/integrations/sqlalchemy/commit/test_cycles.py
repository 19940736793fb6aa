"""The payload of a receiver that fails after the commit of a session is freed at once."""

import asyncio

import pytest
from sqlalchemy.orm import Session

from clarion import on_commit
from clarion.integrations.sqlalchemy import bound
from tests.concurrency.freed import freed
from tests.concurrency.test_cycles import fail, fail_later
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.shop import Tag
from tests.integrations.sqlalchemy.test_send import run


def fail_with_session(payload, session, **kwargs):
    """Fail with a session of its own."""
    raise ValueError


async def fail_with_async_session(payload, session, **kwargs):
    """Fail with an async session of its own."""
    await asyncio.sleep(0)
    raise ValueError


@pytest.mark.parametrize("is_open", [True, False], ids=["commit", "at once"])
@pytest.mark.parametrize("receiver", [fail, fail_later, fail_with_session])
def test_payload_is_freed(engine, receiver, is_open):
    """The payload is freed after the commit of a session, or at once without one."""
    paid.connect(receiver, delivery=on_commit)
    with freed() as take, Session(engine) as session, bound(session):
        if is_open:
            session.add(Tag(name="new"))
            session.flush()
        paid.send(None, payload=take())
        session.commit()


@pytest.mark.parametrize("is_open", [True, False], ids=["commit", "at once"])
@pytest.mark.parametrize("receiver", [fail, fail_later, fail_with_session, fail_with_async_session])
def test_payload_of_an_async_session_is_freed(receiver, is_open):
    """The payload is freed for sync and async receivers of an async session."""
    paid.connect(receiver, delivery=on_commit)

    async def story(session):
        with freed() as take, bound(session):
            if is_open:
                session.add(Tag(name="new"))
                await session.flush()
            await paid.asend(None, payload=take())
            await session.commit()

    run(story)
