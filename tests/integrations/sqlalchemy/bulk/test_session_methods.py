"""The session's old bulk methods send a signal, and warn."""

import pytest

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    BulkWriteWarning,
    post_bulk_insert,
    post_bulk_update,
    post_save,
    pre_save,
    warn_of_bulk_writes,
)
from tests.integrations.sqlalchemy.shop import Order, Tag


@pytest.fixture
def calls():
    found = []

    @receiver([post_bulk_insert, post_bulk_update])
    def take(signal, sender, statement, criteria, rowcount, pk_set, using):
        assert (statement, criteria, using) == (None, None, "default")
        found.append((signal, sender, rowcount, pk_set))

    return found


def test_one_signal_for_each_class(session, calls, recorded):
    """A bulk method sends one signal for each class, with the number of rows, and none for a row."""
    recorded.listen(pre_save, post_save)
    session.bulk_save_objects([Tag(name="1"), Tag(name="2"), Order(number="3")])
    session.bulk_insert_mappings(Tag, [{"name": "4"}])
    session.bulk_update_mappings(Tag.__mapper__, [{"id": 1, "name": "5"}])
    session.bulk_insert_mappings(Tag, [])
    assert recorded == []
    assert calls == [
        (post_bulk_insert, Tag, 2, None),
        (post_bulk_insert, Order, 1, None),
        (post_bulk_insert, Tag, 1, None),
        (post_bulk_update, Tag, 1, None),
    ]


def test_requested_keys_are_sent(session, calls):
    """With return_defaults=True the signal has the keys of the objects."""
    session.bulk_save_objects([Tag(name="1"), Tag(name="2")], return_defaults=True)
    assert calls == [(post_bulk_insert, Tag, 2, {1, 2})]


def skipped_receiver(**kwargs):
    """A receiver that a bulk write does not call."""


def test_the_warning_names_receivers_that_are_not_called(session):
    """An old bulk method warns as a statement does."""
    warn_of_bulk_writes(session)
    post_save.connect(skipped_receiver, sender=Tag)
    with pytest.warns(
        BulkWriteWarning, match=r"of Tag does not call .*skipped_receiver of post_save\."
    ):
        session.bulk_save_objects([Tag(name="1")])
    session.bulk_save_objects([Order(number="1")])


def test_rows_without_a_change_are_not_counted(session):
    """Rows without a change are not counted, because SQLAlchemy does not update them."""
    found = []
    post_bulk_update.connect(lambda rowcount, **kwargs: found.append(rowcount))
    tags = [Tag(id=1, name="1"), Tag(id=2, name="2")]
    session.add_all(tags)
    session.commit()
    assert [each.name for each in tags] == ["1", "2"]
    tags[0].name = "x"
    session.bulk_save_objects(tags)
    session.bulk_update_mappings(Tag, [{"id": 1}, {"id": 2, "name": "y"}])
    session.bulk_update_mappings(Tag, [{"id": 1}])
    assert found == [1, 1]
