"""ORM-enabled statements send one signal each."""

import pytest
from sqlalchemy import create_engine, delete, insert, select, update
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    alias,
    expand_deletes,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.shop import Base, Tag, book_tag


@pytest.fixture
def calls():
    """Record the arguments of the bulk signals, without the statement."""
    found = []

    def take(sender, statement, criteria, rowcount, pk_set, using):
        text = None if criteria is None else str(criteria)
        found.append((sender, text, rowcount, pk_set, using))

    for signal in (post_bulk_insert, post_bulk_update, post_bulk_delete):
        signal.connect(take)
    return found


def test_a_bulk_write_sends_no_signal_of_objects(session, recorded):
    """A bulk write sends no signal for its objects, as in Django."""
    recorded.listen(pre_save, post_save, pre_delete, post_delete)
    session.execute(insert(Tag), [{"name": "1"}, {"name": "2"}])
    session.execute(update(Tag).values(name="3"))
    session.execute(delete(Tag))
    session.bulk_save_objects([Tag(name="4")])
    session.bulk_insert_mappings(Tag, [{"name": "5"}])
    session.commit()
    assert recorded == []


def test_each_statement_is_sent_once(session, calls):
    """The signal of a statement is sent once, with the class, the criteria and the number of rows."""
    session.execute(insert(Tag), [{"name": "1"}, {"name": "2"}])
    session.execute(update(Tag).where(Tag.id == 1).values(name="3"))
    result = session.execute(delete(Tag).where(Tag.id > 0))
    assert result.rowcount == 2
    _, updated, deleted = calls
    assert calls[0][0] is Tag
    assert updated == (Tag, "tag.id = :id_1", 1, None, "default")
    assert deleted == (Tag, "tag.id > :id_1", 2, None, "default")


def test_updates_by_primary_key_are_counted(session, calls):
    """An update by primary key counts one row for each set of values."""
    session.execute(insert(Tag), [{"name": "1"}, {"name": "2"}])
    session.execute(update(Tag), [{"id": 1, "name": "3"}, {"id": 2, "name": "4"}])
    assert calls[1] == (Tag, None, 2, None, "default")


def test_a_statement_may_be_for_another_engine(engine, session, calls, recorded):
    """`using` is the alias of the statement's engine, and expanded deletes are loaded from there."""
    other = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(other)
    alias(other, "other")
    with Session(other) as there:
        there.add(Tag(name="there"))
        there.commit()
    session.add(Tag(name="here"))
    session.commit()
    expand_deletes(session)
    recorded.listen(pre_delete, post_delete)
    session.execute(delete(Tag), bind_arguments={"bind": other})
    assert calls == [(Tag, None, 1, None, "other")]
    assert [named["using"] for named in recorded.take()] == ["other", "other"]
    session.close()
    other.dispose()


def test_primary_keys_come_from_returning(session, calls):
    """The keys come from RETURNING, and the caller of the statement gets the rows, too."""
    rows = [{"name": "1"}, {"name": "2"}]
    tags = session.scalars(insert(Tag).returning(Tag), rows).all()
    assert {tag.name for tag in tags} == {"1", "2"}
    ids = session.execute(update(Tag).values(name="3").returning(Tag.id, Tag.name)).all()
    assert ids == [(1, "3"), (2, "3")]
    names = session.scalars(delete(Tag).returning(Tag.name)).all()
    assert names == ["3", "3"]
    assert [(count, keys) for _, _, count, keys, _ in calls] == [
        (2, {1, 2}),
        (2, {1, 2}),
        (2, None),
    ]


def test_other_statements_send_nothing(session, calls):
    """Selects, and writes to tables without a class, send nothing."""
    session.execute(select(Tag))
    session.execute(insert(book_tag).values(book_id=1, tag_id=1))
    session.add(Tag(name="t"))
    session.commit()
    assert calls == []


def test_legacy_queries_are_sent(session, calls):
    """Query.update() and Query.delete() send the signals of statements."""
    session.add(Tag(name="t"))
    session.query(Tag).update({"name": "u"})
    session.query(Tag).filter_by(name="u").delete()
    assert [criteria for _, criteria, *_ in calls] == [None, "tag.name = :name_1"]


def test_receivers_may_use_the_session(session):
    """A receiver may use the session before and after the statement."""
    expand_deletes(session)
    seen = []

    @receiver([pre_delete, post_delete], sender=Tag)
    def look(instance, **kwargs):
        seen.append(len(session.scalars(select(Tag.id)).all()))

    session.add(Tag(name="t"))
    session.flush()
    session.execute(delete(Tag))
    assert seen == [1, 0]


def test_an_insert_inside_a_query(session, calls):
    """A statement `select().from_statement(insert().returning())` is sent as an insert."""
    statement = insert(Tag).values(name="t").returning(Tag)
    (tag,) = session.scalars(select(Tag).from_statement(statement))
    assert tag.name == "t"
    assert calls == [(Tag, None, 1, {tag.id}, "default")]
    changed = update(Tag).values(name="u").returning(Tag)
    assert session.scalars(select(Tag).from_statement(changed)).all() == [tag]
    assert calls[1:] == [(Tag, None, 1, {tag.id}, "default")]


def test_rows_that_a_conflict_skips_are_not_counted(session, calls):
    """With rows that a conflict skips, the count is right or unknown."""
    session.add(Tag(id=1, name="1"))
    session.commit()
    rows = [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]
    session.execute(sqlite_insert(Tag).on_conflict_do_nothing(), rows)
    session.execute(insert(Tag).prefix_with("OR IGNORE"), rows)
    assert {call[2] for call in calls} <= {None, 1}


def test_expanded_deletes_keep_the_options(recorded):
    """An expanded delete reads and deletes in the schema that `schema_translate_map` names."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    class Own(DeclarativeBase):
        pass

    class Row(Own):
        __tablename__ = "row"
        __table_args__ = {"schema": "tenant"}  # noqa: RUF012
        name: Mapped[str] = mapped_column(primary_key=True)

    with engine.connect() as connection:
        for schema in ("one", "two"):
            connection.exec_driver_sql(f"ATTACH ':memory:' AS {schema}")
            options = {"schema_translate_map": {"tenant": schema}}
            Own.metadata.create_all(connection.execution_options(**options))
            connection.execute(insert(Row).values(name=schema), execution_options=options)
        connection.commit()
    recorded.listen(post_delete)
    with Session(engine) as session:
        expand_deletes(session)
        options = {"schema_translate_map": {"tenant": "two"}}
        session.execute(delete(Row).execution_options(**options))
        assert [each["instance"].name for each in recorded.take()] == ["two"]
        options = {"schema_translate_map": {"tenant": "one"}}
        session.execute(delete(Row), execution_options={**options, "synchronize_session": "fetch"})
        assert [each["instance"].name for each in recorded.take()] == ["one"]
    engine.dispose()


@pytest.mark.service
def test_mysql_counts_no_row_twice(mariadb, calls):
    """The count of ON DUPLICATE KEY UPDATE, of which MySQL counts a row as two, is unknown."""
    engine = create_engine(mariadb)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Tag(id=1, name="1"))
        session.flush()
        upsert = mysql_insert(Tag).values([{"id": 1, "name": "x"}, {"id": 2, "name": "y"}])
        session.execute(upsert.on_duplicate_key_update(name=upsert.inserted.name))
        session.execute(insert(Tag).prefix_with("IGNORE").values([{"id": 2}, {"id": 3}]))
        session.commit()
    engine.dispose()
    assert [call[2] for call in calls] == [None, 1]
