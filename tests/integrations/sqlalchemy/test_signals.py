"""The signals as a program knows them: by name, from the door."""

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import clarion.integrations.sqlalchemy as door
from clarion import receiver
from clarion.integrations.sqlalchemy import class_prepared


def test_names_are_sorted_and_there():
    """What the door offers, each name once."""
    assert [*door.__all__] == sorted({*door.__all__})
    assert all(hasattr(door, name) for name in door.__all__)


@pytest.mark.parametrize("name", [None, "Prepared"])
def test_classes_are_told_when_they_are_mapped(name):
    """Each class once, and its columns can be read; text may say which."""
    told = []

    @receiver(class_prepared, sender=name)
    def note(sender):
        told.append((sender.__name__, [*sender.__table__.columns.keys()]))

    class Own(DeclarativeBase):
        pass

    # Another name in each run, since a class that was mapped lives on for a while.
    fields: dict[str, object] = {"__tablename__": "t", "__annotations__": {"id": Mapped[int]}}
    fields["id"] = mapped_column(primary_key=True)
    type(name or "Unnamed", (Own,), fields)
    assert told == [(name or "Unnamed", ["id"])]
