"""m2m_changed: which side, which action, which keys."""

import gc
import pickle
import weakref
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Table, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from clarion import receiver
from clarion.integrations.sqlalchemy import m2m_changed
from tests.integrations.sqlalchemy.shop import (
    Author,
    Book,
    Node,
    Shelf,
    Tag,
    book_author,
    node_node,
    shelf_book,
)


def nothing(**kwargs):
    pass


def brief(recorded):
    """Return the keywords of m2m_changed that differ between the tests."""
    return [
        (named["action"], named["instance"], named["reverse"], named["model"], named["pk_set"])
        for named in recorded.take()
    ]


@pytest.fixture
def stored(session):
    """A book, and two authors that have keys."""
    book, one, two = Book(id=1, title="b"), Author(id=1, name="1"), Author(id=2, name="2")
    session.add_all([book, one, two])
    session.commit()
    return book, one, two


def test_keywords_are_djangos(session, stored, recorded):
    """The keywords are those of Django 6.1, and the sender is the association table."""
    book, one, _ = stored
    recorded.listen(m2m_changed, sender=book_author)
    book.authors.append(one)
    session.commit()
    shared = {
        "instance": book,
        "reverse": False,
        "model": Author,
        "pk_set": {1},
        "using": "default",
        "raw": False,
    }
    assert recorded == [
        ("pre_add", "book_author", {"action": "pre_add", **shared}),
        ("post_add", "book_author", {"action": "post_add", **shared}),
    ]


def test_the_changed_side_sends(session, stored, recorded):
    """The book's side is forward, the author's reverse, and each change is sent once."""
    book, one, two = stored
    recorded.listen(m2m_changed, sender=Book.authors)
    with session.no_autoflush:
        book.authors.append(one)
        two.books.append(book)
    session.flush()
    assert brief(recorded) == [
        ("pre_add", two, True, Book, {1}),
        ("pre_add", book, False, Author, {1}),
        ("post_add", two, True, Book, {1}),
        ("post_add", book, False, Author, {1}),
    ]


def test_replacing_removes_first(session, stored, recorded):
    """A replacement sends removed members, then added ones, and not the others, as Django's set()."""
    book, one, two = stored
    three = Author(id=3, name="3")
    session.add(three)
    book.authors = [one, two]
    session.commit()
    recorded.listen(m2m_changed)
    book.authors = [two, three]
    session.commit()
    assert brief(recorded) == [
        ("pre_remove", book, False, Author, {1}),
        ("pre_add", book, False, Author, {3}),
        ("post_remove", book, False, Author, {1}),
        ("post_add", book, False, Author, {3}),
    ]


def test_pending_objects_have_keys_afterwards(session, recorded):
    """The set of keys lacks pending objects before the flush, and is complete after it."""
    recorded.listen(m2m_changed, sender=Book.tags)
    book = Book(title="b", tags={Tag(name="1"), Tag(name="2")})
    session.add(book)
    session.commit()
    assert brief(recorded) == [
        ("pre_add", book, False, Tag, set()),
        ("post_add", book, False, Tag, {1, 2}),
    ]


def test_a_change_that_is_undone_is_not_sent(session, stored, recorded):
    """A change that is undone before the flush sends no signal."""
    book, one, two = stored
    book.authors.append(one)
    session.commit()
    recorded.listen(m2m_changed)
    book.authors = [one]
    book.authors.append(two)
    book.authors.remove(two)
    session.commit()
    assert recorded == []


def test_clearing_is_a_removal(session, stored, recorded):
    """Clearing a collection is sent as a removal, because SQLAlchemy does not distinguish them."""
    book, one, two = stored
    book.authors = [one, two]
    session.commit()
    recorded.listen(m2m_changed)
    book.authors.clear()
    session.commit()
    assert brief(recorded) == [
        ("pre_remove", book, False, Author, {1, 2}),
        ("post_remove", book, False, Author, {1, 2}),
    ]


def test_deleting_an_owner_sends_nothing(session, stored, recorded):
    """Deleting an owner sends no m2m_changed, as in Django."""
    book, one, _ = stored
    book.authors.append(one)
    session.commit()
    recorded.listen(m2m_changed)
    session.delete(book)
    session.commit()
    assert recorded == []


def test_self_referential(session, recorded):
    """In a self-referential relationship one side is forward and one is reverse."""
    a, b = Node(id=1, name="a"), Node(id=2, name="b")
    session.add_all([a, b])
    session.commit()
    recorded.listen(m2m_changed, sender=node_node)
    a.following.append(b)
    session.commit()
    assert brief(recorded)[1] == ("post_add", a, False, Node, {2})
    a.followers.append(b)
    session.commit()
    assert brief(recorded)[1] == ("post_add", a, True, Node, {2})


def test_write_only(session, recorded):
    """A write-only relationship, which is never loaded, sends too."""
    book, shelf = Book(id=7, title="b"), Shelf(id=1)
    session.add_all([book, shelf])
    session.commit()
    recorded.listen(m2m_changed, sender=shelf_book)
    shelf.books.add(book)
    session.commit()
    assert brief(recorded) == [
        ("pre_add", shelf, False, Book, {7}),
        ("post_add", shelf, False, Book, {7}),
    ]
    shelf.books.remove(book)
    session.commit()
    assert [action for action, *_ in brief(recorded)] == ["pre_remove", "post_remove"]


def test_receiver_may_go_on_adding(session, stored, recorded):
    """A member that a receiver adds is sent once, in another round."""
    book, one, two = stored
    recorded.listen(m2m_changed)

    @receiver(m2m_changed, sender=Book.authors)
    def add(action, instance, **kwargs):
        if action == "pre_add" and two not in instance.authors:
            instance.authors.append(two)

    book.authors.append(one)
    session.commit()
    assert [(action, keys) for action, *_, keys in brief(recorded)] == [
        ("pre_add", {1}),
        ("pre_add", {2}),
        ("post_add", {1, 2}),
    ]
    assert book.authors == [one, two]


def test_pickles_do_not_change(session, stored):
    """A pickle does not contain which side was changed."""
    book, one, _ = stored
    m2m_changed.connect(nothing)
    book.authors.append(one)
    assert one.name == "1"
    assert pickle.loads(pickle.dumps(book)).authors[0].name == "1"  # noqa: S301


@pytest.mark.parametrize("is_loaded", [True, False])
def test_an_unnoted_change_is_sent_from_the_forward_side(session, stored, recorded, is_loaded):
    """A change before the first connect is sent from the forward side if it is loaded."""
    book, one, _ = stored
    if is_loaded:
        assert book.authors == []
    one.books.append(book)
    recorded.listen(m2m_changed)
    session.commit()
    forward = ("pre_add", book, False, Author, {1})
    assert brief(recorded)[0] == (forward if is_loaded else ("pre_add", one, True, Book, {1}))


def test_backref_or_info_set_the_direction(engine, recorded):
    """A backref is the reverse side, whatever the table says; `info` overrides all."""

    class Base(DeclarativeBase):
        pass

    def table(name):
        return Table(
            name,
            Base.metadata,
            Column("a_id", ForeignKey("a.id"), primary_key=True),
            Column("b_id", ForeignKey("b.id"), primary_key=True),
        )

    class A(Base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)

    class B(Base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        backed = relationship(A, secondary=table("t1"), backref="backing")
        stated = relationship(A, secondary=table("t2"), back_populates="x", info={"reverse": False})

    A.x = relationship(B, secondary="t2", back_populates="stated", info={"reverse": True})
    Base.metadata.create_all(engine)
    recorded.listen(m2m_changed)
    with Session(engine) as session:
        session.add(B(id=1, backed=[A(id=1)], stated=[A(id=2)]))
        session.flush()
        assert {reverse for _, _, reverse, *_ in brief(recorded)} == {False}
        session.add(A(id=3, backing=[B(id=2)], x=[B(id=3)]))
        session.flush()
        assert {reverse for _, _, reverse, *_ in brief(recorded)} == {True}


def test_every_row_is_there_once(session, stored):
    """Receivers do not change which rows are written."""
    book, one, two = stored
    m2m_changed.connect(nothing)
    book.authors = [one]
    two.books = [book]
    session.commit()
    rows = session.execute(book_author.select().order_by("author_id")).all()
    assert rows == [(1, 1), (1, 2)]


def test_the_owner_is_kept_alive(session):
    """The owner lives until its signal is sent, though the program holds no reference."""
    calls = []
    m2m_changed.connect(lambda action, instance, **kwargs: calls.append((action, type(instance))))
    session.add(Book(title="b", tags={Tag(name="t")}))
    session.flush()
    assert calls == [("pre_add", Book), ("post_add", Book)]


def test_composite_keys(engine, recorded):
    """Composite keys are tuples, in both directions."""

    class Own(DeclarativeBase):
        pass

    table = Table(
        "own_left_right",
        Own.metadata,
        *[Column(name) for name in ("a", "b", "c", "d")],
        ForeignKeyConstraint(["a", "b"], ["own_left.x", "own_left.y"]),
        ForeignKeyConstraint(["c", "d"], ["own_right.x", "own_right.y"]),
    )

    class Left(Own):
        __tablename__ = "own_left"
        x: Mapped[int] = mapped_column(primary_key=True)
        y: Mapped[int] = mapped_column(primary_key=True)
        rights: Mapped[list["Right"]] = relationship(secondary=table, back_populates="lefts")

    class Right(Own):
        __tablename__ = "own_right"
        x: Mapped[int] = mapped_column(primary_key=True)
        y: Mapped[int] = mapped_column(primary_key=True)
        lefts: Mapped[list[Left]] = relationship(secondary=table, back_populates="rights")

    Own.metadata.create_all(engine)
    recorded.listen(m2m_changed)
    with Session(engine) as session:
        left, right = Left(x=1, y=2), Right(x=3, y=4)
        left.rights.append(right)
        session.add(left)
        session.commit()
        assert brief(recorded)[1] == ("post_add", left, False, Right, {(3, 4)})
        right.lefts.remove(left)
        session.commit()
        assert brief(recorded)[1] == ("post_remove", right, True, Left, {(1, 2)})


def test_changes_without_receivers_are_not_kept(engine):
    """Changes of a relationship without receivers, and of members removed before the flush, are not kept."""
    m2m_changed.connect(nothing, sender=Book.authors)
    with Session(engine) as session:
        shelf, book = Shelf(), Book(title="b")
        session.add_all([shelf, book])
        session.commit()
        states: weakref.WeakSet[Any] = weakref.WeakSet()
        for _ in range(10):
            added, author = Book(title="c"), Author(name="a")
            states.update([inspect(added), inspect(author)])
            shelf.books.add(added)
            book.authors.append(author)
            book.authors.remove(author)
            session.expunge(author)
            session.commit()
            del added, author
        session.expunge_all()
        gc.collect()
        assert len(states) < 4
