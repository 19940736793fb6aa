"""The session's old bulk methods are told, and warned of."""

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
def told():
    found = []

    @receiver([post_bulk_insert, post_bulk_update])
    def take(signal, sender, statement, criteria, rowcount, pk_set, using):
        assert (statement, criteria, using) == (None, None, "default")
        found.append((signal, sender, rowcount, pk_set))

    return found


def test_each_is_told_once_for_each_class(session, told, heard):
    """With the number of rows, and without a signal for each of them."""
    heard.listen(pre_save, post_save)
    session.bulk_save_objects([Tag(name="1"), Tag(name="2"), Order(number="3")])
    session.bulk_insert_mappings(Tag, [{"name": "4"}])
    session.bulk_update_mappings(Tag.__mapper__, [{"id": 1, "name": "5"}])
    session.bulk_insert_mappings(Tag, [])
    assert heard == []
    assert told == [
        (post_bulk_insert, Tag, 2, None),
        (post_bulk_insert, Order, 1, None),
        (post_bulk_insert, Tag, 1, None),
        (post_bulk_update, Tag, 1, None),
    ]


def test_keys_that_were_asked_for_are_told(session, told):
    """return_defaults=True gives the objects their keys."""
    session.bulk_save_objects([Tag(name="1"), Tag(name="2")], return_defaults=True)
    assert told == [(post_bulk_insert, Tag, 2, {1, 2})]


def passed_by(**kwargs):
    """Stand for a receiver that relies on being told."""


def test_warning_names_who_is_passed_by(session):
    """As for a statement."""
    warn_of_bulk_writes(session)
    post_save.connect(passed_by, sender=Tag)
    with pytest.warns(BulkWriteWarning, match=r"of Tag does not call .*passed_by of post_save\."):
        session.bulk_save_objects([Tag(name="1")])
    session.bulk_save_objects([Order(number="1")])
