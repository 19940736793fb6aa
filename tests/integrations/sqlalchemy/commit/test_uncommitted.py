"""A send that runs a receiver at once gives a warning if its object is not committed."""

import asyncio
import warnings

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal, on_commit
from clarion.integrations.sqlalchemy import bound
from clarion.integrations.sqlalchemy.commit.uncommitted import is_uncommitted
from tests.integrations.sqlalchemy.shop import Base, Tag


@pytest.fixture
def tagged():
    """Return a signal with a receiver that waits for a commit."""
    made = Signal(name="shop.tagged")
    made.connect(lambda **kwargs: None, delivery=on_commit)
    return made


def test_an_object_of_the_open_transaction(session, tagged):
    """The warning names the keyword and the cure, at the line of the send."""
    tag = Tag(name="new")
    session.add(tag)
    session.flush()
    with pytest.warns(
        RuntimeWarning, match=r"runs at once.* object in tag is not .*bound\(session\)"
    ) as caught:
        tagged.send("web", tag=tag)
    assert [each.filename for each in caught] == [__file__]


def test_where_the_send_waits_or_needs_not(session, tagged):
    """No warning if the session is named or bound, or if the object is committed or was only read."""
    tag = Tag(name="new")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tagged.send("web", tag=tag)  # of no session
        session.add(tag)
        session.flush()
        tagged.send("web", tag=tag, session=session)
        tagged.send("web", instance=tag)
        with bound(session):
            tagged.send("web", tag=tag)
        session.commit()
        tagged.send("web", tag=tag)
        session.refresh(tag)
        assert session.in_transaction()
        tagged.send("web", tag=tag)
        tagged.send("web", tag="text", other=None)


def test_each_state(session):
    """An object that is added, flushed, changed or updated is not committed, also under a savepoint."""
    tag = Tag(name="new")
    assert not is_uncommitted(tag)
    session.add(tag)
    assert is_uncommitted(tag)
    session.flush()
    with session.begin_nested():
        assert is_uncommitted(tag)
    session.commit()
    assert not is_uncommitted(tag)
    tag.name = "changed"
    assert is_uncommitted(tag)
    session.flush()
    assert is_uncommitted(tag)
    session.rollback()
    assert not is_uncommitted(tag)
    assert session.scalars(select(Tag)).all() == [tag]
    assert not is_uncommitted(tag)
    session.execute(update(Tag).values(name="updated"))
    assert is_uncommitted(tag)
    session.commit()
    assert not is_uncommitted(tag)
    session.expunge(tag)
    assert not is_uncommitted(tag)
    assert not is_uncommitted(Tag)
    assert not is_uncommitted("text")


def test_an_async_session(tagged):
    """An `asend` gives the warning, too."""
    pytest.importorskip("aiosqlite")

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            tag = Tag(name="new")
            session.add(tag)
            await session.flush()
            with pytest.warns(RuntimeWarning, match="object in tag is not committed"):
                await tagged.asend("web", tag=tag)
        await engine.dispose()

    asyncio.run(main())
