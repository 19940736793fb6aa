"""The keys that a clear or a deletion removes from a many-to-many relation."""

import pytest
from django.db import connection, transaction
from django.db.models.signals import m2m_changed
from django.test.utils import CaptureQueriesContext

from clarion import on_commit
from clarion.errors import ArgumentError
from clarion.integrations.django import track_m2m
from clarion.integrations.django.orm import links
from tests.integrations.django.library.models import Author, Book, Interest, Novelist, Person, Topic
from tests.integrations.django.programs import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def untracked():
    """Forget which relations are tracked."""
    yield
    links._end()
    links._tracked.clear()


@pytest.fixture
def sends():
    """Return the sends for clears: action, instance, reverse, model, pk_set."""
    found = []

    def receive(sender, action, instance, reverse, model, pk_set, using, **kwargs):
        found.append((action, str(instance.pk), reverse, model, pk_set, using))

    m2m_changed.connect(receive)
    yield found
    m2m_changed.disconnect(receive)


def book_with(*names):
    """Return a book with authors, and their keys."""
    book = Book.objects.create(title="b")
    authors = [Author.objects.create(name=name) for name in names]
    book.authors.set(authors)
    return book, {each.pk for each in authors}


def both(key, reverse, model, keys, using="default"):
    """Return the two sends for a clear."""
    return [
        (action, str(key), reverse, model, keys, using) for action in ("pre_clear", "post_clear")
    ]


class TestClear:
    """`pk_set` of the two sends for a clear."""

    def test_without_opt_in_it_is_none(self, sends):
        """Without the opt-in `pk_set` of a clear is None, as in Django, and no query is made."""
        book, _ = book_with("a")
        sends.clear()
        with CaptureQueriesContext(connection) as queries:
            book.authors.clear()
        assert sends == both(book.pk, False, Author, None)
        assert not [each for each in queries if each["sql"].startswith("SELECT")]

    def test_both_ends(self, sends):
        """A clear from either end sends the keys of the other end."""
        track_m2m(Book.authors)
        book, keys = book_with("a", "b")
        sends.clear()
        book.authors.clear()
        assert sends == both(book.pk, False, Author, keys)
        book.authors.set(keys)
        sends.clear()
        author = Author.objects.get(name="a")
        author.books.clear()
        assert sends == both(author.pk, True, Book, {book.pk})

    def test_nothing_to_remove(self, sends):
        """A clear that removes no row sends an empty set, because Django sends the signal, too."""
        track_m2m(Author.books)
        book, _ = book_with()
        sends.clear()
        book.authors.clear()
        assert sends == both(book.pk, False, Author, set())

    def test_set_with_clear(self, sends):
        """`set(clear=True)` sends a clear with its keys, and then the additions."""
        track_m2m(Book.authors)
        book, keys = book_with("a")
        sends.clear()
        book.authors.set(keys, clear=True)
        assert sends[:2] == both(book.pk, False, Author, keys)
        assert [(each[0], each[4]) for each in sends[2:]] == [("pre_add", keys), ("post_add", keys)]

    def test_no_query_without_a_receiver(self):
        """Without a receiver no keys are read."""
        track_m2m(Book.authors)
        book, _ = book_with("a")
        with CaptureQueriesContext(connection) as queries:
            book.authors.clear()
        assert not [each for each in queries if each["sql"].startswith("SELECT")]

    def test_relations_to_self(self, sends):
        """A clear of a symmetrical relation removes both directions; one of another removes its own end."""
        track_m2m(Person.friends)
        track_m2m(Person.follows)
        one, two, three = (Person.objects.create(name=name) for name in "abc")
        one.friends.add(two)
        three.friends.add(one)
        one.follows.add(two)
        three.follows.add(one)
        sends.clear()
        one.friends.clear()
        one.follows.clear()
        one.followers.clear()
        assert sends == [
            *both(one.pk, False, Person, {two.pk, three.pk}),
            *both(one.pk, False, Person, {two.pk}),
            *both(one.pk, True, Person, {three.pk}),
        ]

    def test_own_through_and_manager(self, sends):
        """With an own table or manager, the keys are those of the rows that the clear removes."""
        track_m2m(Person.topics)
        person = Person.objects.create(name="a")
        topics = [Topic.every.create(code=code, is_closed=code == "z") for code in "xyz"]
        person.topics.set(topics)
        sends.clear()
        person.topics.clear()
        assert sends == both(person.pk, False, Topic, {"x", "y"})
        assert [each.topic_id for each in Interest.objects.all()] == ["z"]

    def test_after_the_commit(self):
        """After the commit a receiver gets the keys of the send."""
        track_m2m(Book.authors)
        book, keys = book_with("a")
        found = []
        m2m_changed.connect(
            lambda action, pk_set, **kw: found.append((action, pk_set)),
            sender=Book.authors.through, weak=False, delivery=on_commit,
        )  # fmt: skip
        with transaction.atomic():
            book.authors.clear()
        assert found == [("pre_clear", keys), ("post_clear", keys)]

    def test_each_send_has_its_own_set(self, sends):
        """Each send has a set of its own, which a receiver may change."""
        track_m2m(Book.authors)
        book, keys = book_with("a")
        m2m_changed.connect(
            lambda pk_set, **kw: pk_set.clear(),
            sender=Book.authors.through, weak=False, dispatch_uid="clear",
        )  # fmt: skip
        sends.clear()
        book.authors.clear()
        m2m_changed.disconnect(sender=Book.authors.through, dispatch_uid="clear")
        assert sends[1][4] is not sends[0][4]
        assert Book.authors.through.objects.count() == 0
        assert keys


class TestDeletions:
    """The deletion of an object that has links."""

    def test_without_opt_in_nothing_is_sent(self, sends):
        """The deletion of an object sends no m2m_changed, as in Django."""
        track_m2m(Book.authors)
        book, _ = book_with("a")
        sends.clear()
        book.delete()
        assert sends == []

    def test_both_ends(self, sends):
        """A deletion sends the keys of the other end, before and after it."""
        track_m2m(Book.authors, deletions=True)
        book, keys = book_with("a", "b")
        key = book.pk
        sends.clear()
        book.delete()
        assert sends == both(key, False, Author, keys)
        book, keys = book_with("c")
        sends.clear()
        Author.objects.filter(pk__in=keys).delete()
        assert sends == both(next(iter(keys)), True, Book, {book.pk})

    def test_object_without_links(self, sends):
        """The deletion of an object without links sends no m2m_changed."""
        track_m2m(Book.authors, deletions=True)
        book_with()[0].delete()
        assert sends == []

    def test_queryset_and_child(self, sends):
        """A deletion sends for each object of a queryset, and once for a child of the model."""
        track_m2m(Book.authors, deletions=True)
        book = Book.objects.create(title="b")
        for name in "ab":
            book.authors.add(Novelist.objects.create(name=name))
        keys = {*Author.objects.values_list("pk", flat=True)}
        sends.clear()
        Novelist.objects.all().delete()
        assert [each for each in sends if each[0] == "pre_clear"] != []
        assert {(each[0], each[1]) for each in sends} == {
            (action, str(key)) for action in ("pre_clear", "post_clear") for key in keys
        }
        assert len(sends) == 4

    def test_relations_to_self(self, sends):
        """A deletion sends once for a symmetrical relation, and once for each end of another."""
        track_m2m(Person.friends, deletions=True)
        track_m2m(Person.follows, deletions=True)
        one, two, three = (Person.objects.create(name=name) for name in "abc")
        one.friends.add(two)
        one.follows.add(two)
        three.follows.add(one)
        key = one.pk
        sends.clear()
        one.delete()
        assert sorted(sends, key=str) == sorted(
            [
                *both(key, False, Person, {two.pk}),
                *both(key, False, Person, {two.pk}),
                *both(key, True, Person, {three.pk}),
            ],
            key=str,
        )

    def test_rows_that_a_manager_hides(self, sends):
        """A deletion sends the keys of hidden rows, because it removes them, too."""
        track_m2m(Person.topics, deletions=True)
        person = Person.objects.create(name="a")
        person.topics.set([Topic.every.create(code="z", is_closed=True)])
        key = person.pk
        sends.clear()
        person.delete()
        assert sends == both(key, False, Topic, {"z"})

    def test_rows_that_stay(self, sends):
        """A row with SET_NULL is not among the keys, because it is not removed."""
        track_m2m(Person.kept, deletions=True)
        person, topic = Person.objects.create(name="a"), Topic.every.create(code="x")
        person.kept.add(topic)
        sends.clear()
        person.delete()
        assert sends == []
        key = topic.pk
        topic.delete()
        assert sends == []
        assert key


def test_no_relation():
    """Only a many-to-many relation can be tracked; the error shows no value."""
    for wrong in (Book, "authors", Interest.person):
        with pytest.raises(ArgumentError, match="is no many-to-many relation"):
            track_m2m(wrong)


def test_uninstall():
    """After uninstall() Django sends its own keywords; after install() the relations are tracked again."""
    assert run(
        """
        django.setup()
        from django.contrib.auth.models import Group, User
        from django.core.management import call_command
        from django.db.models.signals import m2m_changed
        from clarion.integrations.django import install, track_m2m, uninstall
        call_command("migrate", verbosity=0)
        def receive(action, pk_set, **kwargs):
            if "clear" in action:
                print(action, pk_set)
        m2m_changed.connect(receive)
        def user():
            made = User.objects.create(username=str(User.objects.count()))
            made.groups.add(Group.objects.get_or_create(id=7)[0])
            return made
        install()
        track_m2m(User.groups, deletions=True)
        uninstall()
        user().groups.clear()
        user().delete()
        install()
        user().groups.clear()
        """
    ) == ["pre_clear None", "post_clear None", "pre_clear {7}", "post_clear {7}"]
