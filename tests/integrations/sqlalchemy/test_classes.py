"""Receivers of unresolved senders are moved to the class or table."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from clarion.integrations.sqlalchemy import m2m_changed, post_save
from clarion.introspect import registrations
from clarion.testing import restored
from tests.integrations.sqlalchemy.late import map_class, new_base


def nothing(**kwargs):
    pass


def test_text_waits_for_its_class(engine, recorded):
    """Until the class is mapped, the receiver is connected to the text and listed."""
    recorded.listen(post_save, sender="Late", priority=7)
    (waiting,) = registrations(post_save)
    assert waiting.sender == "Late"
    base = new_base()
    late: Any = map_class(base)
    (moved,) = registrations(post_save)
    assert moved.sender == late
    assert (moved.priority, moved.order) == (7, waiting.order)
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(late())
        session.commit()
    assert recorded.names == [("post_save", "Late")]


def test_an_unresolved_sender_can_be_disconnected(recorded):
    """The text disconnects it, before and after the class is mapped."""
    post_save.connect(nothing, sender="Later")
    assert post_save.disconnect(nothing, sender="Later")
    post_save.connect(nothing, sender="Later")
    late = map_class(new_base(), "Later")
    assert registrations(post_save)[-1].sender is late
    assert post_save.disconnect(nothing, sender="Later")
    assert registrations(post_save) == []


def test_a_moved_receiver_keeps_its_options():
    """A receiver that moves to its class keeps subclasses=True and once=True."""
    post_save.connect(nothing, sender="Basic", subclasses=True, once=True)
    basic = map_class(new_base(), "Basic")
    (moved,) = registrations(post_save)
    assert (moved.subclasses, moved.once) == (True, True)
    assert post_save.has_listeners(type("Sub", (basic,), {"__abstract__": True}))


def test_restored_disconnects_text():
    """`restored` disconnects text, whether its class was mapped or not."""
    with restored():
        post_save.connect(nothing, sender="Never")
        post_save.connect(nothing, sender="InTest")
        kept = map_class(new_base(), "InTest")
        assert len(registrations(post_save)) == 2
    assert registrations(post_save) == []
    del kept


def test_dead_receivers_are_not_moved():
    """A method is held weakly before its class is mapped, so a dead one is not moved."""

    class Listener:
        def receive(self, **kwargs):
            pass

    listener = Listener()
    post_save.connect(listener.receive, sender="Awaited")
    del listener
    map_class(new_base(), "Awaited")
    assert registrations(post_save) == []


def test_relationship_that_is_not_configured_waits(engine, recorded):
    """A relationship whose other side is not defined yet waits until it is configured."""

    class Early(DeclarativeBase):
        pass

    class One(Early):
        __tablename__ = "one"
        id: Mapped[int] = mapped_column(primary_key=True)
        others = relationship("Other", secondary="one_other")

    recorded.listen(m2m_changed, sender=One.others)

    class Other(Early):
        __tablename__ = "other"
        id: Mapped[int] = mapped_column(primary_key=True)

    table = Table(
        "one_other",
        Early.metadata,
        Column("one_id", ForeignKey("one.id"), primary_key=True),
        Column("other_id", ForeignKey("other.id"), primary_key=True),
    )
    Early.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(One(others=[Other()]))
        session.commit()
    assert registrations(m2m_changed)[-1].sender is table
    assert recorded.names == [("pre_add", "one_other"), ("post_add", "one_other")]
