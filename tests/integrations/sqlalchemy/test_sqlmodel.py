"""SQLModel: its models and its Session are SQLAlchemy's."""

import asyncio

import pytest
import sqlmodel
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, Relationship
from sqlmodel.ext.asyncio.session import AsyncSession

from clarion import receiver
from clarion.integrations.sqlalchemy import SignalSession, m2m_changed, post_init, post_save


class Membership(sqlmodel.SQLModel, table=True):
    hero_id: int | None = Field(default=None, foreign_key="hero.id", primary_key=True)
    team_id: int | None = Field(default=None, foreign_key="team.id", primary_key=True)


class Hero(sqlmodel.SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    teams: list["Team"] = Relationship(back_populates="heroes", link_model=Membership)


class Team(sqlmodel.SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    heroes: list[Hero] = Relationship(back_populates="teams", link_model=Membership)


class Both(SignalSession, sqlmodel.Session):
    pass


@pytest.mark.parametrize("kind", [sqlmodel.Session, Both])
def test_models_and_sessions(kind, recorded):
    """Saves, relationships and instances of SQLModel send."""
    engine = create_engine("sqlite://")
    sqlmodel.SQLModel.metadata.create_all(engine)
    recorded.listen(post_save, sender="Hero")
    recorded.listen(m2m_changed, sender=Hero.teams)
    made = []

    @receiver(post_init, sender=Hero)
    def note(instance, **kwargs):
        made.append(instance.name)

    with kind(engine) as session:
        hero = Hero(name="h", teams=[Team()])
        session.add(hero)
        session.commit()
        hero.name = "changed"
        session.commit()
        session.expunge_all()
        session.exec(sqlmodel.select(Hero)).one()
    assert made == ["h", "changed"]
    assert [name for name, _ in recorded.names] == ["pre_add", "post_save", "post_add", "post_save"]
    engine.dispose()


def test_async_session(recorded):
    """SQLModel's own async session sends, too."""
    recorded.listen(post_save, sender=Hero)

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(sqlmodel.SQLModel.metadata.create_all)
        async with AsyncSession(engine) as session:
            session.add(Hero(name="h"))
            await session.commit()
        await engine.dispose()

    asyncio.run(main())
    assert recorded.names == [("post_save", "Hero")]
