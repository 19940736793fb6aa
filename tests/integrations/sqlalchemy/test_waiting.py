"""Receivers whose sender no mapped class is when the program writes give a warning."""

import asyncio
import warnings
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Mapped, Session, mapped_column, registry

from clarion import receiver
from clarion.errors import SenderWarning
from clarion.integrations.sqlalchemy import (
    class_prepared,
    post_bulk_insert,
    post_init,
    post_save,
    pre_save,
)
from tests.integrations.sqlalchemy.late import map_class, new_base
from tests.integrations.sqlalchemy.shop import Order, Tag
from tests.integrations.sqlalchemy.test_send import opened


def nothing(**kwargs):
    """Do nothing."""


def found_by(write):
    """Return the warnings of a function."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write()
    return [each for each in caught if each.category is SenderWarning]


def flush(session):
    """Write one row by a flush."""
    session.add(Tag(name="t"))
    session.flush()


def bulk(session):
    """Write one row by a statement."""
    session.execute(insert(Tag), [{"name": "t"}])


def old_bulk(session):
    """Write one row by an old method."""
    session.bulk_insert_mappings(Tag, [{"name": "t"}])


@pytest.mark.parametrize("write", [flush, bulk, old_bulk])
@pytest.mark.parametrize("signal", [pre_save, post_init, class_prepared, post_bulk_insert])
def test_text_that_names_no_class(session, signal, write):
    """Each receiver has one warning, at its line, with the nearest name."""
    signal.connect(nothing, sender="Ordr")
    signal.connect(nothing, sender="elsewhere:Qqqq")
    near, far = sorted(found_by(lambda: write(session)), key=lambda each: str(each.message))
    assert "is connected to 'Ordr', and no mapped class has this name" in str(near.message)
    assert str(near.message).endswith("Did you mean 'Order'?")
    assert (near.filename, near.lineno) == (__file__, nothing.__code__.co_firstlineno)
    assert "Import the module that maps it before the first write" in str(far.message)
    assert found_by(lambda: write(session)) == []


def test_a_receiver_connected_later(session):
    """A receiver that is connected later is checked at the next write."""
    post_save.connect(nothing, sender="Ordr")
    assert len(found_by(lambda: flush(session))) == 1
    post_save.connect(nothing, sender="Tg")
    assert len(found_by(lambda: flush(session))) == 1


def test_an_async_session():
    """The write of an async session warns, too."""
    post_save.connect(nothing, sender="Ordr")

    async def main():
        async with opened() as session:
            session.add(Tag(name="t"))
            await session.flush()

    assert len(found_by(lambda: asyncio.run(main()))) == 1


def test_text_that_is_mapped_in_time(session):
    """Text whose class is mapped before the write causes no warning."""
    post_save.connect(nothing, sender="Punctual")
    kept = map_class(new_base(), "Punctual")
    assert found_by(lambda: flush(session)) == []
    del kept


@pytest.mark.parametrize("sender", ["Order", Order, int, None], ids=["text", "class", "int", "any"])
def test_other_senders(session, sender):
    """Senders that are mapped, or that the program may send by, cause no warning."""
    post_save.connect(nothing, sender=sender)
    assert found_by(lambda: flush(session)) == []


def test_a_mixin_whose_classes_are_mapped_later(session):
    """A mixin whose classes are mapped after the connect is warned of at the write."""

    class Titled:
        """Is a base of classes with tables."""

    post_save.connect(nothing, sender=Titled)
    post_save.connect(nothing, sender=Titled, dispatch_uid="all", subclasses=True)

    class Paper(Titled, new_base()):  # type: ignore[misc]
        __tablename__ = "paper"
        id: Mapped[int] = mapped_column(primary_key=True)

    [found] = found_by(lambda: flush(session))
    assert "Titled, which has no table, but subclasses with tables" in str(found.message)
    assert "subclasses=True" in str(found.message)


def test_a_class_that_is_mapped_later(session):
    """A class that is mapped imperatively later causes no warning."""

    class Plain:
        """Is mapped below."""

    post_save.connect(nothing, sender=Plain)
    registry().map_imperatively(Plain, Order.__table__)
    assert found_by(lambda: flush(session)) == []


def test_a_warning_that_is_an_error(engine):
    """The flush raises a warning that is an error once, and the session is usable."""
    post_save.connect(nothing, sender="Ordr")
    with Session(engine) as session:
        session.add(Tag(name="t"))
        with pytest.raises(SenderWarning):
            session.flush()
        session.flush()
        assert session.query(Tag).count() == 1


def test_a_receiver_that_died(session):
    """A receiver that died causes no warning."""

    class Listener:
        def receive(self, **kwargs):
            """Receive."""

    listener: Any = Listener()
    post_save.connect(listener.receive, sender="Ordr")
    del listener
    assert found_by(lambda: flush(session)) == []


@pytest.mark.parametrize("sender", [Order, "Order"], ids=["class", "text"])
def test_a_class_that_is_mapped_already(sender):
    """A class is prepared once, so a later connect to it is warned of, at its line."""
    (warning,) = found_by(lambda: class_prepared.connect(nothing, sender=sender))
    assert "shop.Order, which is mapped already. Connect it before" in str(warning.message)
    assert warning.filename == __file__
    (warning,) = found_by(lambda: receiver(class_prepared, sender=sender)(nothing))
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("sender", "options"),
    [(None, {}), ("Later", {}), (Order, {"subclasses": True}), (Session, {})],
)
def test_a_class_that_may_be_mapped_later(sender, options):
    """A class to come, and the subclasses of one, are not warned of."""
    assert found_by(lambda: class_prepared.connect(nothing, sender=sender, **options)) == []
