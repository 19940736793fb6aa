"""Keywords that are annotated with a base of mapped classes."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Mapped, Session, mapped_column

from clarion import signal
from clarion.envelope import seal
from clarion.errors import DeclarationError, EncodingError
from tests.integrations.sqlalchemy.outbox.zoo import Base, Kitten


class Named:
    """A mixin of mapped classes."""


class Pet(Named, Base):
    """A mapped class with a mixin."""

    __tablename__ = "annotated_pet"
    id: Mapped[int] = mapped_column(primary_key=True)


class Abstract(Base):
    """An abstract class."""

    __abstract__ = True


def test_a_keyword_may_be_annotated_with_a_declarative_base(tmp_path):
    """Each instance is stored with its own class. Another value is refused."""

    @signal
    def changed(
        sender: object, *, row: Base, rows: list[Base] | None = None, other: Abstract | None = None
    ) -> None:
        """Announce a change of a row."""

    engine = create_engine(f"sqlite:///{tmp_path / 'zoo.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(thing := Kitten(name="c"))
        session.flush()
        envelope = seal(changed, {"sender": None, "signal": changed, "row": thing, "rows": [thing]})
        assert envelope.arguments(changed, session)["row"] is thing
    engine.dispose()
    with pytest.raises(EncodingError, match="row"):
        seal(changed, {"sender": None, "signal": changed, "row": 5})


def test_a_mixin_as_an_annotation_is_refused():
    """The message names a mapped class."""

    @signal
    def named(sender: object, *, row: Named) -> None:
        """Announce a row with a name."""

    with pytest.raises(DeclarationError) as refused:
        seal(named, {"sender": None, "signal": named, "row": Pet(id=1)})
    assert str(refused.value).endswith(
        f"because of the annotation of 'row': {__name__}.Named is a base of models, and no model itself. "
        f"Annotate it with a model, such as {__name__}.Pet, or a union of them."
    )
