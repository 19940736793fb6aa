"""Warnings of bulk writes, and deletes that load their objects."""

import warnings

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker, with_loader_criteria

from clarion import on_commit
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


def skipped_receiver(**kwargs):
    """A receiver that a bulk write does not call."""


def test_the_warning_names_receivers_that_are_not_called(engine):
    """A session or a sessionmaker warns until the option is switched off."""
    pre_save.connect(skipped_receiver, sender=Tag)
    post_delete.connect(skipped_receiver)
    maker = sessionmaker(engine)
    warn_of_bulk_writes(maker)
    with maker() as session:
        with pytest.warns(
            BulkWriteWarning, match=r"of Tag does not call .*skipped_receiver of pre_save\."
        ):
            session.execute(insert(Tag), [{"name": "1"}])
        with pytest.warns(
            BulkWriteWarning, match=r"of Tag does not call .*skipped_receiver of post_delete\."
        ):
            session.execute(delete(Tag))
        session.execute(insert(Order), [{"number": "1"}])
        warn_of_bulk_writes(session, on=False)
        session.execute(insert(Tag), [{"name": "2"}])
    with Session(engine) as other, warnings.catch_warnings():
        warnings.simplefilter("error")
        other.execute(delete(Tag))


def test_deletes_are_expanded(session, recorded):
    """pre_delete and post_delete are sent for each object; their origin is the statement."""
    expand_deletes(session)
    tags = [Tag(name=str(number)) for number in range(3)]
    session.add_all(tags)
    session.commit()
    recorded.listen(pre_delete, post_delete, sender=Tag)
    statement = delete(Tag).where(Tag.name != "1")
    assert session.execute(statement).rowcount == 2
    to_delete = [tags[0], tags[2]]
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        *(("pre_delete", tag) for tag in to_delete),
        *(("post_delete", tag) for tag in to_delete),
    ]
    assert {id(named["origin"]) for named in recorded.take()} == {id(statement)}
    assert session.scalars(select(Tag.name)).all() == ["1"]


def test_expanded_deletes_of_subclasses(session, recorded):
    """The sender is the exact class; without receivers no object is loaded."""
    expand_deletes(session)
    session.add_all([Tag(name="t"), Dog(name="d", breed="b")])
    session.commit()
    recorded.listen(pre_delete, sender=Animal, subclasses=True)
    session.execute(delete(Tag))
    session.execute(delete(Dog))
    assert recorded.names == [("pre_delete", "Dog")]


def test_expanded_deletes_do_not_warn(session, recorded):
    """A delete that calls the receivers does not warn."""
    expand_deletes(session)
    warn_of_bulk_writes(session)
    session.add(Tag(name="1"))
    session.commit()
    recorded.listen(pre_delete, sender=Tag)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.execute(delete(Tag))
    assert recorded.names == [("pre_delete", "Tag")]


def test_other_targets_are_refused():
    """Another target is refused, and the error says what to give."""
    with pytest.raises(ArgumentError, match="neither a session nor a sessionmaker"):
        warn_of_bulk_writes(Tag)


def test_scoped_sessions(engine, recorded):
    """The option applies to the current session of the scope."""
    recorded.listen(pre_delete)
    scoped = scoped_session(sessionmaker(engine))
    expand_deletes(scoped)
    scoped.add(Tag(name="t"))
    scoped.execute(delete(Tag))
    assert len(recorded) == 1
    scoped.remove()


@pytest.mark.parametrize("synchronize", ["auto", "fetch", False])
def test_copies_of_expanded_deletes(engine, session, synchronize):
    """After the commit, a receiver gets the former values, and no row that its session could change."""
    found = []

    def look(instance, session, **kwargs):
        found.append((instance.name, instance in session))

    for signal in (pre_delete, post_delete):
        signal.connect(look, sender=Tag, delivery=on_commit)
    expand_deletes(session)
    session.add(Tag(name="1"))
    session.commit()
    session.execute(delete(Tag), execution_options={"synchronize_session": synchronize})
    session.commit()
    assert found == [("1", False)] * 2


def test_expanded_deletes_have_the_criteria_of_the_statement(session, recorded):
    """An expanded delete loads only the objects that `with_loader_criteria` leaves."""
    recorded.listen(post_delete, sender=Tag)
    expand_deletes(session)
    session.add_all([Tag(name="1"), Tag(name="2")])
    session.commit()
    criteria = with_loader_criteria(Tag, Tag.name == "2")
    unsynchronized = {"synchronize_session": False}
    session.execute(delete(Tag).options(criteria), execution_options=unsynchronized)
    assert [each["instance"].name for each in recorded.take()] == ["2"]
    assert session.scalars(select(Tag.name)).all() == ["1"]
