"""One deletion of a row with two tables, for receivers with `subclasses=True`."""

import pytest
from django.db.models.signals import post_delete, pre_delete

from clarion import on_commit
from tests.integrations.django.library.models import Author, Novelist


@pytest.fixture(params=[None, on_commit], ids=["at once", "after the commit"])
def deleted(request, transactional_db):
    """Connect a receiver of the parent and its subclasses, and return its senders."""
    senders = []

    def receive(sender, **kwargs):
        senders.append(sender)

    for signal in (pre_delete, post_delete):
        signal.connect(receive, sender=Author, subclasses=True, delivery=request.param)
    yield senders
    for signal in (pre_delete, post_delete):
        signal.disconnect(receive, sender=Author)


def test_an_object(deleted):
    """Deleting a child calls a receiver of the parent for the child only, by each of the two signals."""
    Novelist.objects.create(name="a").delete()
    assert deleted == [Novelist, Novelist]


def test_a_queryset(deleted):
    """Deleting a queryset is one deletion for each child and for each parent without a child."""
    for name in "ab":
        Novelist.objects.create(name=name)
    Author.objects.create(name="c")
    Author.objects.all().delete()
    assert sorted(each.__name__ for each in deleted) == ["Author"] * 2 + ["Novelist"] * 4


def test_the_parent_of_a_child(deleted):
    """Deleting the parent's row deletes the child, and is one deletion."""
    Novelist.objects.create(name="a")
    Author.objects.get().delete()
    assert deleted == [Novelist, Novelist]


def test_a_receiver_of_the_parent_alone(transactional_db):
    """Without `subclasses` the receiver is called for the parent's table, as in Django."""
    senders = []

    def receive(sender, **kwargs):
        senders.append(sender)

    post_delete.connect(receive, sender=Author)
    Novelist.objects.create(name="a").delete()
    assert senders == [Author]
