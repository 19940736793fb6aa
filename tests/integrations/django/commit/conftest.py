"""Receivers that run after the commit of a Django database.

pytest imports this before Django is set up, so the fixtures import the models.
"""

import pytest

from clarion import on_commit


@pytest.fixture
def ran():
    """Return the list that receivers add to."""
    return []


@pytest.fixture
def note(ran):
    """Connect a receiver of post_save and order_paid that notes the `name` or the instance's."""
    from django.db.models.signals import post_save

    from tests.integrations.django.commit.sends import order_paid
    from tests.integrations.django.library.models import Author

    def note(sender, instance=None, name=None, **kwargs):
        ran.append(instance.name if instance else name)

    post_save.connect(note, sender=Author, delivery=on_commit)
    order_paid.connect(note, delivery=on_commit)
    yield note
    post_save.disconnect(note, sender=Author)
    order_paid.disconnect(note)


@pytest.fixture
def merge(ran):
    """Connect a receiver of order_paid that runs once for each author, and notes all sends."""
    from tests.integrations.django.commit.sends import order_paid

    def merge(sender, instance, sends, **kwargs):
        ran.append((instance.name, [sent["nth"] for sent in sends]))

    by_pk = on_commit(coalesce=lambda instance, **kwargs: instance.pk)
    order_paid.connect(merge, delivery=by_pk)
    yield merge
    order_paid.disconnect(merge)
