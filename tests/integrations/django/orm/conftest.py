"""An item that is tracked, and the changes that its saves send.

pytest imports this before Django is set up, so the fixtures import the models.
"""

from decimal import Decimal
from typing import Any

import pytest


@pytest.fixture
def sent():
    """Return the changes that `pre_save` and `post_save` have sent, by the name of the signal."""
    from django.db.models.signals import post_save, pre_save

    from tests.integrations.django.library.models import Item

    sent: dict[str, list[Any]] = {"pre": [], "post": []}

    def before(sender, changes, **kwargs):
        sent["pre"].append(changes)

    def after(sender, changes=None, **kwargs):
        sent["post"].append(changes)

    pre_save.connect(before, sender=Item)
    post_save.connect(after, sender=Item)
    yield sent
    pre_save.disconnect(before, sender=Item)
    post_save.disconnect(after, sender=Item)


@pytest.fixture
def item(sent):
    """Return an item read from the database, with no changes sent yet."""
    from tests.integrations.django.library.models import Item

    made = Item.objects.create(title="a", price=Decimal("1.50"), stock=3, tags=["x"])
    read = Item.objects.get(pk=made.pk)
    sent["pre"].clear()
    sent["post"].clear()
    return read


@pytest.fixture
def writes():
    """Capture the three signals of bulk writes."""
    from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
    from clarion.testing import capture

    with capture(post_bulk_insert, post_bulk_update, post_bulk_delete) as sent:
        yield sent
