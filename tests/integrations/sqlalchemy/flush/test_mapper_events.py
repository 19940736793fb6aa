"""What listeners of `before_update` write is in post_save."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKey, create_engine, event, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from clarion import on_commit, receiver
from clarion.integrations.sqlalchemy import post_save, pre_save


class Own(DeclarativeBase):
    pass


class Row(Own):
    """Its listener computes the slug."""

    __tablename__ = "row_with_slug"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(default="")


class Parent(Own):
    """Its listener counts the updates."""

    __tablename__ = "counting_parent"
    id: Mapped[int] = mapped_column(primary_key=True)
    updates: Mapped[int] = mapped_column(default=0)
    parts: Mapped[list[Part]] = relationship()


class Part(Own):
    """Its listener does nothing."""

    __tablename__ = "part_of_counting"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("counting_parent.id"))


@event.listens_for(Row, "before_insert")
@event.listens_for(Row, "before_update")
def set_slug(mapper, connection, target):
    target.slug = target.name.lower()


@event.listens_for(Parent, "before_update")
def count_update(mapper, connection, target):
    target.updates += 1


@event.listens_for(Part, "before_update")
def do_nothing(mapper, connection, target):
    pass


@pytest.fixture
def own(kind):
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with kind(engine) as session:
        yield session
    engine.dispose()


def listen(sender, signal=post_save, **options):
    """Record update_fields, changes and the unknown old values."""
    found = []

    def take(update_fields, changes, **kwargs):
        found.append((update_fields, dict(changes), set(changes.unknown)))

    signal.connect(take, sender=sender, weak=False, **options)
    return found


@pytest.mark.parametrize("is_loaded", [True, False])
def test_more_columns_of_an_updated_row(own, is_loaded):
    """Columns that a listener of before_update sets are in `update_fields` and `changes`."""
    found = listen(Row)
    row = Row(name="A")
    own.add(row)
    own.commit()
    assert found.pop()[1]["slug"] == (None, "a")
    if is_loaded:
        assert row.slug == "a"
    row.name = "B"
    own.commit()
    assert found == [({"name", "slug"}, {"name": ("A", "B"), "slug": ("a", "b")}, set())]


def test_a_row_that_only_the_listener_changes(own):
    """A row that only a listener changes is sent, because SQLAlchemy updates it."""
    row = Row(name="A")
    own.add(row)
    own.flush()
    own.execute(update(Row).values(slug="c"), execution_options={"synchronize_session": False})
    own.refresh(row)
    before, after = listen(Row, pre_save), listen(Row)
    row.name = "A"
    own.flush()
    assert before == []
    assert after == [({"slug"}, {"slug": ("c", "a")}, set())]
    assert own.scalar(select(Row.slug)) == "a"


def test_an_object_whose_collection_changes(own):
    """An object that its listener updates is sent, and receivers after the commit get that value."""
    parent = Parent()
    own.add(parent)
    own.commit()
    at_once, after_commit = listen(Parent), listen(Parent, delivery=on_commit)
    parent.parts.append(Part())
    own.commit()
    assert at_once == [({"updates"}, {"updates": (0, 1)}, set())]
    assert after_commit == at_once


def test_an_old_value_that_was_never_loaded(own):
    """The old value of a column that was never loaded is unknown, because the row has the new one."""

    def replace_slug(mapper, connection, target):
        target.slug = "replaced"

    row = Row(name="A")
    own.add(row)
    own.commit()
    assert row.name == "A"
    own.expire(row, ["slug"])
    found = listen(Row)
    event.remove(Row, "before_update", set_slug)
    event.listen(Row, "before_update", replace_slug)
    try:
        row.name = "A"
        own.commit()
    finally:
        event.remove(Row, "before_update", replace_slug)
        event.listen(Row, "before_update", set_slug)
    assert found == [({"slug"}, {"slug": (None, "replaced")}, {"slug"})]


def test_a_foreign_key_that_the_other_side_sets(own):
    """A foreign key that only the other side sets sends nothing, as without a listener."""
    found = listen(Part)
    parent, part = Parent(), Part()
    own.add_all([parent, part])
    own.commit()
    found.clear()
    parent.parts.append(part)
    own.commit()
    assert part.parent_id == parent.id
    assert found == []


def test_a_listener_that_changes_nothing(own):
    """A listener that sets equal values causes no UPDATE and no signal."""
    found = listen(Row)
    row = Row(name="A")
    own.add(row)
    own.commit()
    found.clear()
    assert (row.name, row.slug) == ("A", "a")
    row.name = "A"
    own.commit()
    assert found == []


def test_the_order_is_that_of_the_keys(own):
    """Updates by listeners are sent in the order of their keys, as other updates are."""
    parents = [Parent() for _ in range(20)]
    own.add_all(parents)
    own.commit()
    own.scalars(select(Parent)).all()
    found = []
    post_save.connect(lambda instance, **kwargs: found.append(instance.id), sender=Parent)
    with own.no_autoflush:
        for parent in reversed(parents):
            parent.parts.append(Part())
    own.flush()
    assert found == list(range(1, 21))


def test_a_receiver_of_another_class(own):
    """Nothing is computed for a class without receivers."""

    @receiver(post_save, sender=Part)
    def never(**kwargs):
        raise AssertionError

    own.add(Row(name="A"))
    own.commit()
    own.scalars(select(Row)).one().name = "B"
    own.commit()
    assert own.scalars(select(Row.slug)).one() == "b"
