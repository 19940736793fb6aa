"""The signals by name, as programs import them."""

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import clarion.integrations.sqlalchemy as integration
from clarion import receiver
from clarion.integrations.sqlalchemy import class_prepared


def test_names_are_sorted_and_there():
    """Each exported name exists, and is listed once, in order."""
    assert [*integration.__all__] == sorted({*integration.__all__})
    assert all(hasattr(integration, name) for name in integration.__all__)


@pytest.mark.parametrize("name", [None, "Prepared"])
def test_classes_are_sent_when_they_are_mapped(name):
    """Each class is sent once when its columns can be read, and text may name it."""
    calls = []

    @receiver(class_prepared, sender=name)
    def note(sender):
        calls.append((sender.__name__, [*sender.__table__.columns.keys()]))

    class Own(DeclarativeBase):
        pass

    # Another name in each run, because a mapped class is not collected at once.
    fields: dict[str, object] = {"__tablename__": "t", "__annotations__": {"id": Mapped[int]}}
    fields["id"] = mapped_column(primary_key=True)
    type(name or "Unnamed", (Own,), fields)
    assert calls == [(name or "Unnamed", ["id"])]
