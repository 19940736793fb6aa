"""A send that runs a receiver at once gives a warning if its object is not committed."""

import asyncio
import warnings

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal, on_commit
from clarion.commit import atomic
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


@pytest.mark.parametrize(
    "payload",
    [lambda tag: [tag], lambda tag: ("text", tag), lambda tag: {"new": tag}, lambda tag: {tag}],
    ids=["list", "tuple", "dict", "set"],
)
def test_an_object_in_a_collection(session, tagged, payload):
    """A collection with an object that is not committed gives the warning, too."""
    tag = Tag(name="new")
    session.add(tag)
    with pytest.warns(RuntimeWarning, match=r"runs at once, .* object in tags is not committed"):
        tagged.send("web", tags=payload(tag))
    session.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tagged.send("web", tags=payload(tag))


def test_a_plain_block_inside_a_bound_session(session):
    """`atomic()` gives one warning, at its line, if it does not wait for the session's commit."""
    ran, made = [], Signal(name="shop.tagged")
    made.connect(lambda **kwargs: ran.append(1), delivery=on_commit)
    begun = "inside a transaction of the Session on 'default', and does not wait"
    with bound(session):
        with pytest.warns(RuntimeWarning, match=begun) as caught, atomic():
            session.add(Tag(name="new"))
            made.send("web")
        assert [each.filename for each in caught] == [__file__]
        with pytest.warns(RuntimeWarning, match=r"session\.begin_nested\(\)") as caught, atomic():
            made.send("web")
        assert [each.filename for each in caught] == [__file__]
        assert ran == [1, 1]
        session.rollback()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with atomic():
                made.send("web")
            session.connection()
            with session.begin_nested():
                made.send("web")
    assert ran == [1, 1, 1]


def test_a_plain_block_around_a_session(session, tagged):
    """A send in `atomic()` gives the warning if the object is not committed when the block ends."""
    tag = Tag(name="new")
    end = "runs at the end of its .* object in tag is not committed"
    with pytest.warns(RuntimeWarning, match=end) as caught, atomic():
        session.add(tag)
        tagged.send("web", tag=tag)
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with atomic():
            tagged.send("web", tag=tag)
            session.commit()


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
