"""Classes that are mapped during a test."""

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def new_base():
    """Return a new declarative base."""

    class NewBase(DeclarativeBase):
        pass

    return NewBase


def map_class(base: Any, name: str = "Late") -> Any:
    """Map a class of this name."""
    return type(
        name,
        (base,),
        {
            "__tablename__": name.lower(),
            "__module__": __name__,
            "__annotations__": {"id": Mapped[int]},
            "id": mapped_column(primary_key=True),
        },
    )
