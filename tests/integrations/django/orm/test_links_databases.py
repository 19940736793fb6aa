"""The keys that a clear or a deletion removes, in a second database."""

from django.db.models.signals import m2m_changed

from clarion.integrations.django import track_m2m
from clarion.integrations.django.orm import links
from tests.integrations.django.library.models import Author, Book


def test_other_database(transactional_db, other):
    """The keys are read in the database of the rows."""
    found = []

    def receive(action, pk_set, using, reverse, **kwargs):
        found.append((action, pk_set, using, reverse))

    m2m_changed.connect(receive, sender=Book.authors.through)
    track_m2m(Book.authors, deletions=True)
    try:
        book = Book.objects.using(other).create(title="b")
        author = Author.objects.using(other).create(name="a")
        for remove, reverse in (book.authors.clear, False), (author.delete, True):
            book.authors.add(author)
            expected = {book.pk} if reverse else {author.pk}
            found.clear()
            remove()
            assert found == [
                (action, expected, other, reverse) for action in ("pre_clear", "post_clear")
            ]
        book.delete()
    finally:
        links._end()
        links._tracked.clear()
        m2m_changed.disconnect(receive, sender=Book.authors.through)
