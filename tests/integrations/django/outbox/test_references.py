"""Instances of models as references."""

from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AbstractUser
from django.db import connections
from django.db.models import Model
from django.utils.functional import SimpleLazyObject

from clarion.envelope import GoneError
from clarion.envelope.references import (
    dump_class,
    dump_identity,
    dump_object,
    load_class,
    load_object,
)
from clarion.errors import DecodingError
from clarion.integrations.django.outbox.references import MODELS
from tests.integrations.django.library.models import (
    Author,
    Copy,
    Map,
    Novelist,
    RareCopy,
    Sample,
    Stay,
    Ticket,
    Topic,
)

pytestmark = pytest.mark.usefixtures("transactional_db")


def reference(value, **options):
    """Return the reference to an object, after it was stored as text."""
    import json

    return json.loads(json.dumps(dump_object(value, "it", **options)))


def test_a_reference_names_model_key_and_database():
    """A reference has the model, the key and the database, and no other value of the row."""
    author = Author.objects.create(name="a")
    assert reference(author) == {
        "kind": "django",
        "model": "library.Author",
        "pk": author.pk,
        "database": "default",
    }


class Floor(int, Enum):
    """An enumeration whose `str()` is the name of a member."""

    FIRST = 1


@pytest.mark.parametrize(
    "create",
    [
        lambda: Ticket.objects.create(code="t"),
        lambda: Sample.objects.create(mass=Decimal("1.250")),
        lambda: Stay.objects.create(room=1, night=2, guest="g"),
        lambda: Stay.objects.create(room=Floor.FIRST, night=2.0, guest="g"),
        lambda: Novelist.objects.create(name="n"),
        lambda: Map.objects.create(title="m"),
        lambda: RareCopy.objects.create(code="r"),
        lambda: Copy.objects.defer("stamp").get(pk=Copy.objects.create(code="d").pk),
        lambda: SimpleLazyObject(lambda: Author.objects.create(name="lazy")),
    ],
    ids=[
        "uuid",
        "decimal",
        "composite",
        "members",
        "child",
        "tracked child",
        "proxy",
        "deferred",
        "lazy",
    ],
)
def test_every_kind_of_instance_is_loaded(create):
    """The row is loaded as the class that was sent, with its whole key."""
    sent = create()
    loaded: Any = load_object(reference(sent), None)
    assert loaded == sent
    assert loaded.pk == sent.pk
    assert loaded._meta.label == sent._meta.label


def test_equal_instances_have_one_identity():
    """Their deliveries have the same key. A child has another table, and is not equal to its parent."""
    copy = Copy.objects.create(code="c")
    by_text = Copy(pk=str(copy.pk), code="c")
    by_text.save()
    for equal in (RareCopy.objects.get(), by_text):
        assert dump_identity(equal, "it") == dump_identity(copy, "it")
    stays = [Stay.objects.create(room=1, night=night) for night in (1, 2)]
    novelist = Novelist.objects.create(name="n")
    others = [*stays, Copy.objects.create(code="d"), novelist, Author.objects.get(), copy]
    assert len({str(dump_identity(each, "it")) for each in others}) == len(others)


def test_the_row_is_loaded_as_it_is_now():
    """The row is loaded with its present values, because a reference holds none."""
    author = Author.objects.create(name="before")
    stored = reference(author)
    Author.objects.update(name="after")
    author.pk = 99  # changes the instance, not the row
    loaded: Any = load_object(stored, None)
    assert loaded.name == "after"


def test_a_row_that_the_default_manager_hides_is_loaded():
    """A row that the default manager hides is loaded by the base manager."""
    topic = Topic.every.create(code="t", is_closed=True)
    assert load_object(reference(topic), None) == topic


def test_a_row_is_loaded_from_its_own_database(other):
    """A row is loaded from the database in which the instance is stored."""
    author = Author.objects.using(other).create(name="there")
    loaded: Any = load_object(reference(author), None)
    assert (loaded.name, loaded._state.db) == ("there", "other")


class Primary:
    """A router that writes to one database, and reads from another."""

    def db_for_write(self, model, **hints):
        """Write to the default database."""
        return "default"


def test_a_row_that_was_read_from_a_replica_is_loaded_from_the_primary(other, settings):
    """A row of a replica is loaded from the primary, because the replica may be behind."""
    author = Author.objects.using(other).create(name="there")
    settings.DATABASE_ROUTERS = [Primary()]
    assert reference(author)["database"] == "default"


def test_an_instance_without_a_row_is_refused():
    """An instance without a row is refused, and the message says what to do."""
    for unsaved in (Author(name="a"), Ticket(code="t"), Ticket(pk=uuid4())):
        with pytest.raises(ValueError, match=r"it is an object of .* is not saved; save it first"):
            reference(unsaved)
    author = Author.objects.create(name="a")
    author.delete()
    with pytest.raises(
        ValueError, match="has no key, because it was deleted, or its key was set to None"
    ):
        reference(author)


def test_a_row_that_is_gone_is_reported_as_gone():
    """A row that is gone is reported as such, so that the worker can follow `missing=`."""
    author = Author.objects.create(name="a")
    stored = reference(author)
    author.delete()
    with pytest.raises(GoneError, match=r"The library\.Author of a stored send is gone"):
        load_object(stored, None)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "library.Removed"},
        {"model": None},
        {"model": "nodot"},
        {"pk": "hunter2"},
        {"pk": [1, 2]},
        {"pk": {}},
        {"database": "removed"},
        {"database": None},
        {"database": []},
    ],
)
def test_a_damaged_reference_is_refused(change):
    """A damaged reference is refused, and the message has none of its values."""
    stored = {**reference(Author.objects.create(name="a")), **change}
    with pytest.raises(DecodingError) as info:
        load_object(stored, None)
    assert "hunter2" not in str(info.value)


def test_the_message_names_an_unknown_database():
    """The message names a database that the worker does not have."""
    stored = {**reference(Author.objects.create(name="a")), "database": "shard_7"}
    with pytest.raises(DecodingError, match=r"database 'shard_7', .* Add it to DATABASES"):
        load_object(stored, None)


def test_models_are_classes_with_a_label():
    """A model as a sender is stored by its label, which is looked up without an import."""
    for model in (Author, RareCopy, Author.books.through):
        assert load_class(dump_class(model)) is model
    assert dump_class(Author) == {"kind": "django", "name": "library.Author"}
    for label in ("library.Removed", "os.path", "nodot", "a.b.c"):
        with pytest.raises(DecodingError, match="Import its module"):
            load_class({"kind": "django", "name": label})
    with pytest.raises(DecodingError, match=r"[^.]\. Import its module"):
        load_object(
            {"kind": "django", "model": "gone.Removed", "pk": 1, "database": "default"}, None
        )


def test_a_class_without_rows_is_no_sender():
    """An abstract model is no sender, because another process cannot find it by a label."""
    for kind in (Model, AbstractUser):
        assert MODELS.owns_class(kind)
    with pytest.raises(ValueError, match="is abstract"):
        dump_class(AbstractUser)


def test_a_list_of_instances_costs_one_query_each(django_assert_num_queries):
    """A list of instances costs one query each, and none is loaded twice."""
    stored = [reference(Author.objects.create(name=name)) for name in "ab"]
    with django_assert_num_queries(2, connection=connections["default"]):
        loaded: list[Any] = [load_object(each, None) for each in stored]
    assert [each.name for each in loaded] == ["a", "b"]
