"""The assertions of Django's own tests of its model signals, for SQLAlchemy.

The scenarios are those of Django's packages `signals` and `m2m_signals`, in its order.
"""

from typing import Any

from sqlalchemy import ForeignKey, delete, event, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    SignalSession,
    expand_deletes,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
    raw,
)
from tests.integrations.sqlalchemy.shop import Author, Book, Customer, Order, Tag


def test_model_pre_init_and_post_init():
    """For one instance pre_init is sent, and post_init after it."""
    data: list[Any] = []
    pre_init.connect(lambda sender, args, **kwargs: data.append(args), sender=Tag)
    post_init.connect(lambda sender, instance, **kwargs: data.append(instance), sender=Tag)
    tag = Tag(name="t")
    assert data == [(), tag]


def test_save_signals(session):
    """An insert, an update and a raw save send Django's keywords."""
    data: list[Any] = []

    def before(signal, sender, instance, **kwargs):
        data.append((instance, sender, kwargs["raw"]))

    def after(signal, sender, instance, **kwargs):
        data.append((instance, sender, kwargs["created"], kwargs["raw"]))

    pre_save.connect(before, sender=Customer)
    post_save.connect(after, sender=Customer)
    one = Customer(name="John Smith")
    session.add(one)
    session.flush()
    assert data == [(one, Customer, False), (one, Customer, True, False)]
    data.clear()
    one.name = "Tom"
    session.flush()
    assert data == [(one, Customer, False), (one, Customer, False, False)]
    data.clear()
    with raw(session):
        one.name = "Raw"
    assert data == [(one, Customer, True), (one, Customer, False, True)]
    data.clear()
    with raw(session):
        two = Customer(id=99, name="Jim")
        session.add(two)
    assert data == [(two, Customer, True), (two, Customer, True, True)]


def test_delete_signals(session):
    """The primary key is there before and after a deletion; Django clears it after the signals."""
    data: list[Any] = []
    pre_delete.connect(lambda instance, **kwargs: data.append((instance, instance.id)))
    post_delete.connect(
        lambda sender, instance, **kwargs: data.append((instance, sender, instance.id))
    )
    one = Customer(id=123, name="J")
    session.add(one)
    session.flush()
    session.delete(one)
    session.flush()
    assert data == [(one, 123), (one, Customer, 123)]


def test_delete_signals_origin_model(session):
    """The origin is the deleted instance, also for objects deleted by a cascade."""
    data: list[Any] = []
    for signal in (pre_delete, post_delete):
        signal.connect(lambda sender, instance, origin, **kw: data.append((sender, origin)))
    customer = Customer(name="c", orders=[Order(number="1")])
    session.add(customer)
    session.flush()
    session.delete(customer)
    session.flush()
    assert data == [(Order, customer), (Customer, customer)] * 2


def test_delete_signals_origin_queryset(session):
    """The origin, in Django the query, is the statement if deletes are expanded."""
    data: list[Any] = []
    for signal in (pre_delete, post_delete):
        signal.connect(lambda sender, origin, **kwargs: data.append((sender, origin)), sender=Tag)
    expand_deletes(session)
    session.add(Tag(name="t"))
    session.flush()
    statement = delete(Tag)
    session.execute(statement)
    assert [sender for sender, _ in data] == [Tag, Tag]
    assert all(origin is statement for _, origin in data)


def test_decorators(session):
    """The decorator takes a signal, a sender, and several signals."""
    data: list[Any] = []

    @receiver(pre_save, weak=False)
    def decorated(signal, **kwargs):
        data.append("any")

    @receiver(pre_save, sender=Tag, weak=False)
    def decorated_with_sender(signal, **kwargs):
        data.append("tag")

    @receiver([pre_save, post_save], sender=Tag)
    def decorated_with_list(signal, sender, **kwargs):
        data.append(signal is pre_save)

    session.add(Tag(name="t"))
    session.flush()
    assert data == ["any", "tag", True, False]


def test_save_and_delete_signals_with_m2m(session):
    """Setting a relationship saves neither side again; deleting one side changes no other."""
    data: list[Any] = []

    @receiver([pre_save, post_save, pre_delete, post_delete])
    def note(signal, sender, **kwargs):
        data.append((signal, sender))

    book, author = Book(title="Snow Crash"), Author(name="Neal")
    session.add_all([book, author])
    session.flush()
    data.clear()
    book.authors = [author]
    session.flush()
    book.authors = []
    session.flush()
    assert data == []
    author.books = [book]
    session.flush()
    session.delete(book)
    session.flush()
    assert data == [(pre_delete, Book), (post_delete, Book)]


def test_disconnect_in_dispatch(session):
    """A receiver that disconnects itself does not stop others."""
    data: list[Any] = []

    def first(**kwargs):
        data.append("first")
        post_save.disconnect(first)

    def second(**kwargs):
        data.append("second")

    post_save.connect(first)
    post_save.connect(second)
    for name in "ab":
        session.add(Tag(name=name))
        session.flush()
    assert data == ["first", "second", "second"]


def test_lazy_senders(session):
    """Text names a mapped class, is connected once, and disconnects the receiver."""
    calls = []

    def receive(**kwargs):
        calls.append(kwargs["instance"])

    post_init.connect(receive, sender="Tag")
    post_init.connect(receive, sender="tests.integrations.sqlalchemy.shop:Tag")
    Tag(name="t")
    assert len(calls) == 1
    assert post_init.disconnect(receive, sender="Tag")
    Tag(name="t")
    assert len(calls) == 1
    assert not post_init.disconnect(receive, sender="Tag")


def test_m2m_operations(session):
    """Adding, removing and setting from both sides send sets of keys."""
    sent = []

    @receiver(m2m_changed, sender=Book.authors)
    def note(action, reverse, model, pk_set, **kwargs):
        sent.append((action, reverse, model, pk_set))

    book = Book(id=1, title="b")
    one, two, three = (Author(id=number, name="a") for number in (1, 2, 3))
    session.add_all([book, one, two, three])
    session.flush()

    def both(what, *rest):
        assert sent == [(f"pre_{what}", *rest), (f"post_{what}", *rest)]
        sent.clear()

    book.authors.extend([one, two])
    session.flush()
    both("add", False, Author, {1, 2})
    three.books.append(book)
    session.flush()
    both("add", True, Book, {1})
    book.authors.remove(one)
    session.flush()
    both("remove", False, Author, {1})
    two.books.remove(book)
    session.flush()
    both("remove", True, Book, {1})


def test_m2m_repeated_add_remove(session):
    """A repeated add, which Django sends with an empty set, sends nothing here."""
    sent = []
    book, author = Book(title="b"), Author(name="a")
    session.add(book)
    book.authors.append(author)
    session.flush()
    m2m_changed.connect(lambda **kwargs: sent.append(kwargs))
    book.authors = [author]
    session.flush()
    assert sent == []


def test_error_in_post_save_does_not_undo_the_save(engine):
    """In a SignalSession an error in post_save does not undo the save, as in Django."""

    @receiver(post_save, sender=Tag)
    def fail(**kwargs):
        raise ValueError

    with SignalSession(engine) as session:
        session.add(Tag(name="t"))
        try:
            session.flush()
        except ValueError:
            session.commit()
    with Session(engine) as other:
        assert other.query(Tag).count() == 1


def test_changes_by_the_database_are_not_sent(engine, recorded):
    """ON DELETE CASCADE of rows that are not loaded, onupdate and version columns send nothing."""

    class Own(DeclarativeBase):
        pass

    class Parent(Own):
        __tablename__ = "own_parent"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        touched: Mapped[int] = mapped_column(default=0, onupdate=1)
        version: Mapped[int] = mapped_column(default=1)
        children = relationship("Child", cascade="all, delete", passive_deletes=True)
        __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    class Child(Own):
        __tablename__ = "own_child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int] = mapped_column(ForeignKey(Parent.id, ondelete="CASCADE"))

    @event.listens_for(engine, "connect")
    def enforce(connection, record):
        connection.execute("PRAGMA foreign_keys = ON")

    engine.dispose()
    Own.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Parent(id=1, name="p", children=[Child()]))
        session.commit()
        session.expunge_all()
        recorded.listen(post_save, post_delete)
        parent = session.get_one(Parent, 1)
        parent.name = "q"
        session.commit()
        assert recorded.take()[0]["update_fields"] == {"name"}
        session.delete(parent)
        session.commit()
        assert recorded.names == [("post_delete", "Parent")]
        assert session.query(Child).count() == 0


def test_bulk_create_sends_nothing(session, recorded):
    """Bulk inserts and updates send no signal of objects, as in Django."""
    recorded.listen(pre_save, post_save)
    session.execute(insert(Tag), [{"name": "t"}])
    assert recorded == []
