"""What a receiver after the commit sees of objects that were changed or deleted."""

from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save

from clarion import on_commit
from tests.integrations.django.commit.sends import create, order_paid
from tests.integrations.django.library.models import Author, Item, Stay


def test_a_deleted_object_has_its_values(database, ran):
    """The receiver gets a copy of a deleted object with its key, which Django removes."""
    receive = lambda instance, **kwargs: ran.append((instance.pk, instance.name, instance))  # noqa: E731
    author = create("a", database)
    pk = author.pk
    post_delete.connect(receive, sender=Author, delivery=on_commit)
    with transaction.atomic(database):
        author.delete()
        author.name = "changed"
    assert ran[0][:2] == (pk, "a")
    assert (author.pk, author.name) == (None, "changed")
    assert ran[0][2]._state.db == database
    assert ran[0][2]._state is not author._state


def test_an_instance_that_is_there_is_the_senders(transactional_db, ran):
    """An object that was not deleted is passed itself, without a copy or a query."""
    receive = lambda instance, **kwargs: ran.append(instance)  # noqa: E731
    pre_save.connect(receive, sender=Author, delivery=on_commit)
    with transaction.atomic():
        author = create("a")  # which had no key when it was sent
    assert ran == [author]
    assert ran[0] is author


def test_an_object_that_never_had_a_key(transactional_db, ran, note):
    """An object that had no key when it was sent is passed itself."""
    with transaction.atomic():
        order_paid.send(None, instance=Author(name="a"))
    assert ran == ["a"]


def test_a_deleted_key_of_two_columns(transactional_db, ran):
    """The copy of a deleted object has both columns of its key."""
    receive = lambda instance, **kwargs: ran.append(instance.pk)  # noqa: E731
    stay = Stay.objects.create(room=1, night=2, guest="a")
    post_delete.connect(receive, sender=Stay, delivery=on_commit)
    with transaction.atomic():
        stay.delete()
    assert ran == [(1, 2)]


def test_merged_sends_have_deleted_objects(transactional_db, ran, merge):
    """Each of the merged sends has the object as it was at the send."""
    author = create("a")

    def look(sender, instance, sends, **kwargs):
        ran.append([(sent["instance"].pk, sent["instance"].name) for sent in sends])

    order_paid.connect(look, delivery=on_commit(coalesce="key"))
    pk = author.pk
    try:
        with transaction.atomic():
            order_paid.send(None, instance=author, key=1, nth=1)
            author.name = "b"
            order_paid.send(None, instance=author, key=1, nth=2)
            author.delete()
    finally:
        order_paid.disconnect(look)
    assert [(pk, "a"), (pk, "b")] in ran


def test_changes_are_passed_after_the_commit(transactional_db):
    """The changes are those of the send, even if the object has changed since."""
    received = []
    receive = lambda changes, **kwargs: received.append(tuple(changes["title"]))  # noqa: E731
    item = Item.objects.create(title="a")
    post_save.connect(receive, sender=Item, delivery=on_commit)
    with transaction.atomic():
        item.title = "b"
        item.save()
        item.title = "c"
        item.save()
        item.delete()
    assert received == [("a", "b"), ("b", "c")]


def receive_on(signal, sender, ran):
    """Note each instance after the commit, with its key and name."""

    def receive(instance, **kwargs):
        ran.append((instance.pk, instance.name, instance))

    signal.connect(receive, sender=sender, delivery=on_commit, weak=False)


def test_one_object_saved_as_several_rows(database, ran):
    """Each call gets the row of its send, and the last one the object itself."""
    receive_on(post_save, Author, ran)
    with transaction.atomic(database):
        author = create("1", database)
        keys = [author.pk]
        for name in "23":
            author.pk, author.name, author._state.adding = None, name, True
            author.save()
            keys.append(author.pk)
    assert [each[:2] for each in ran] == list(zip(keys, "123", strict=True))
    assert [each[2] is author for each in ran] == [False, False, True]
    assert ran[0][2]._state.adding is False


def test_before_each_of_several_rows(transactional_db, ran):
    """After pre_save, only the key of the last row is known, and no row gets the key of another."""
    receive_on(pre_save, Author, ran)
    with transaction.atomic():
        author = create("same")
        for _ in range(2):
            author.pk = None
            author._state.adding = True
            author.save()
    assert [each[0] for each in ran] == [None, None, author.pk]
    assert ran[2][2] is author


def test_before_a_save_whose_object_is_changed_later(transactional_db, ran):
    """If the object changes later, the copy has the values of the send, with the key of its save."""
    receive_on(pre_save, Author, ran)
    with transaction.atomic():
        author = create("a")
        author.name = "b"
    assert ran[0][:2] == (author.pk, "a")
    assert ran[0][2]._state.adding is False


def test_a_save_that_assigns_the_time(transactional_db, ran):
    """A time that the save assigns is no change, so the receiver of pre_save gets the object."""
    pre_save.connect(
        lambda instance, **kwargs: ran.append(instance), sender=Item, delivery=on_commit, weak=False
    )
    with transaction.atomic():
        item = Item.objects.create(title="a")
    assert ran[0] is item
