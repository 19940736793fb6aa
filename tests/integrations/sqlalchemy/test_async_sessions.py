"""Async sessions, where SQLAlchemy's asyncio extension is loaded, and where it is not."""

import subprocess
import sys

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion.integrations.sqlalchemy.async_sessions import (
    async_session,
    is_async_scoped_session,
    is_async_session,
    is_async_sessionmaker,
)
from tests.house.tree import SRC

SYNC = """
import sys
sys.path.insert(0, {src!r})


class WithoutGreenlet:
    def find_spec(name, path=None, target=None):
        if name == "greenlet":
            raise ModuleNotFoundError("No module named 'greenlet'", name=name)


sys.meta_path.insert(0, WithoutGreenlet)

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from clarion import on_commit
from clarion.integrations.sqlalchemy import bound, post_save, warn_of_bulk_writes


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
warn_of_bulk_writes(sessionmaker(engine))
calls = []


def saved(sender, instance, session, **kwargs):
    assert session is not outer
    calls.append(instance.id)


post_save.connect(saved, sender=Order, delivery=on_commit)
with Session(engine) as outer, bound(outer):
    outer.add(Order(id=7))
    outer.flush()
    assert calls == []
    outer.commit()
assert calls == [7]
assert "sqlalchemy.ext.asyncio" not in sys.modules
"""


def test_each_kind_is_recognized():
    """Async sessions and their scopes are recognized, and sync ones are not taken for them."""
    engine = create_async_engine("sqlite+aiosqlite://")
    maker, sync_maker = async_sessionmaker(engine), sessionmaker(create_engine("sqlite://"))
    assert is_async_sessionmaker(maker)
    assert not is_async_sessionmaker(sync_maker)
    assert is_async_session(AsyncSession(engine))
    assert not is_async_session(Session())
    assert is_async_scoped_session(async_scoped_session(maker, scopefunc=lambda: 1))
    assert not is_async_scoped_session(scoped_session(sync_maker))


def test_owner_of_a_sync_session():
    """The sync session inside an async one has an owner, and any other has none."""
    owner = AsyncSession(create_async_engine("sqlite+aiosqlite://"))
    assert async_session(owner.sync_session) is owner
    assert async_session(Session()) is None


def test_sync_sessions_need_no_greenlet():
    """A sync program works without greenlet, and does not load the asyncio extension."""
    program = SYNC.format(src=str(SRC))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
