"""Warnings of bulk writes, and deletes that load their objects."""

import warnings

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import (
    BulkWriteWarning,
    expand_deletes,
    post_delete,
    pre_delete,
    pre_save,
    warn_of_bulk_writes,
)
from tests.integrations.sqlalchemy.shop import Animal, Dog, Order, Tag


def passed_by(**kwargs):
    """Stand for a receiver that relies on being told."""


def test_warning_names_who_is_passed_by(engine):
    """Of a session or of those that a maker makes; and it can be taken back."""
    pre_save.connect(passed_by, sender=Tag)
    post_delete.connect(passed_by)
    maker = sessionmaker(engine)
    warn_of_bulk_writes(maker)
    with maker() as session:
        with pytest.warns(
            BulkWriteWarning, match=r"of Tag does not call .*passed_by of pre_save\."
        ):
            session.execute(insert(Tag), [{"name": "1"}])
        with pytest.warns(
            BulkWriteWarning, match=r"of Tag does not call .*passed_by of post_delete\."
        ):
            session.execute(delete(Tag))
        session.execute(insert(Order), [{"number": "1"}])
        warn_of_bulk_writes(session, on=False)
        session.execute(insert(Tag), [{"name": "2"}])
    with Session(engine) as other, warnings.catch_warnings():
        warnings.simplefilter("error")
        other.execute(delete(Tag))


def test_deletes_are_expanded(session, heard):
    """Each object is told before and after, and the origin is the statement."""
    expand_deletes(session)
    tags = [Tag(name=str(number)) for number in range(3)]
    session.add_all(tags)
    session.commit()
    heard.listen(pre_delete, post_delete, sender=Tag)
    statement = delete(Tag).where(Tag.name != "1")
    assert session.execute(statement).rowcount == 2
    to_delete = [tags[0], tags[2]]
    assert [(name, named["instance"]) for name, _, named in heard] == [
        *(("pre_delete", tag) for tag in to_delete),
        *(("post_delete", tag) for tag in to_delete),
    ]
    assert {id(named["origin"]) for named in heard.take()} == {id(statement)}
    assert session.scalars(select(Tag.name)).all() == ["1"]


def test_expanded_deletes_of_subclasses(session, heard):
    """The sender is the exact class; nobody is loaded where nobody listens."""
    expand_deletes(session)
    session.add_all([Tag(name="t"), Dog(name="d", breed="b")])
    session.commit()
    heard.listen(pre_delete, sender=Animal, subclasses=True)
    session.execute(delete(Tag))
    session.execute(delete(Dog))
    assert heard.names == [("pre_delete", "Dog")]


def test_expanded_deletes_do_not_warn(session):
    """For they pass nobody by."""
    expand_deletes(session)
    warn_of_bulk_writes(session)
    pre_delete.connect(passed_by, sender=Tag)
    session.execute(delete(Tag))


def test_what_is_no_session_is_refused():
    """With what to give."""
    with pytest.raises(ArgumentError, match="neither a session nor a sessionmaker"):
        warn_of_bulk_writes(Tag)


def test_scoped_sessions(engine, heard):
    """Their present session is meant."""
    heard.listen(pre_delete)
    scoped = scoped_session(sessionmaker(engine))
    expand_deletes(scoped)
    scoped.add(Tag(name="t"))
    scoped.execute(delete(Tag))
    assert len(heard) == 1
    scoped.remove()
