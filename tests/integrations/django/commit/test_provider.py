"""Which of Django's databases a send waits for."""

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import Signal as DjangoSignal

from clarion import Signal, on_commit
from clarion.integrations.django import post_bulk_insert
from clarion.introspect import explain
from tests.integrations.django.commit.sends import ROUTER, order_paid
from tests.integrations.django.library.models import Author, Copy
from tests.integrations.django.programs import run


def test_a_plain_signal_waits_for_the_default(transactional_db, other, ran, note):
    """In a Django program, a plain send that names nothing waits for the default database."""
    with transaction.atomic(other), transaction.atomic():
        [[_, scheduled]] = order_paid.send(None, name="a")
        assert (scheduled.status, ran) == ("waiting", [])
    assert (scheduled.status, ran) == ("ran", ["a"])
    assert scheduled.reason == "it is Django's default"


def test_a_plain_signal_waits_for_its_instance(other, ran, note):
    """An `instance` that is a model selects the database that it is kept in."""
    author = Author.objects.using(other).create(name="a")
    ran.clear()
    with transaction.atomic(other):
        [[_, scheduled]] = order_paid.send(None, instance=author)
        assert ran == []
    assert ran == ["a"]
    assert (scheduled.boundary, scheduled.reason) == (
        "Django's database 'other'",
        "its instance is stored there",
    )


def test_an_unsaved_instance_is_where_the_router_says(transactional_db, other, ran, note, settings):
    """The router selects the database of an instance that was not saved yet."""
    settings.DATABASE_ROUTERS = [ROUTER]
    with transaction.atomic(other):
        order_paid.send(None, instance=Author(name="a"))
        assert ran == []
    assert ran == ["a"]


def test_using_outweighs_the_instance(transactional_db, other, ran, note):
    """The `using` of a send comes before its instance."""
    with transaction.atomic(other):
        order_paid.send(None, instance=Author(name="a"), using=other)
        assert ran == []
    assert ran == ["a"]


def test_a_receiver_can_insist_on_a_database(transactional_db, other, ran):
    """on_commit(using=...) outweighs every keyword of the send."""
    signal = Signal()
    signal.connect(lambda **kwargs: ran.append("ran"), delivery=on_commit(using=other))
    with transaction.atomic(other):
        signal.send(None, using="default")
        assert ran == []
    assert ran == ["ran"]


def test_a_custom_signal_of_djangos(transactional_db, other, ran, settings):
    """A custom Django signal waits where its sender, a model, is written, or as any plain signal."""
    signal = DjangoSignal()
    signal.connect(lambda **kwargs: ran.append("ran"), delivery=on_commit, weak=False)
    with transaction.atomic():
        signal.send(None, using="no alias")
        assert ran == []
    settings.DATABASE_ROUTERS = [ROUTER]
    with transaction.atomic(other):
        signal.send(Author)
        assert ran == ["ran"]
    assert ran == ["ran"] * 2


def test_bulk_writes_wait(database, ran):
    """The signal of a bulk write waits for the database that was written."""
    receive = lambda rowcount, **kwargs: ran.append(rowcount)  # noqa: E731
    post_bulk_insert.connect(receive, sender=Copy, delivery=on_commit)
    try:
        with transaction.atomic(database):
            Copy.objects.using(database).bulk_create([Copy(code="a"), Copy(code="b")])
            assert ran == []
        assert ran == [2]
    finally:
        post_bulk_insert.disconnect(receive, sender=Copy)


def test_explain_says_where(transactional_db, note):
    """explain() shows for which database a receiver would wait, and why."""
    with transaction.atomic():
        text = str(explain(post_save, Author, instance=Author(), using="default"))
    assert (
        "runs after the commit of Django's database 'default': it was sent using='default'" in text
    )
    assert "no transaction is open on Django's database" in str(explain(post_save, Author))


def test_a_program_that_does_not_run_on_clarion():
    """Without install(), plain signals wait for Django's default database."""
    assert run(
        """
        django.setup()
        from django.db import transaction
        from django.dispatch import Signal as Djangos
        from clarion import Signal, on_commit
        signal = Signal()
        signal.connect(lambda name, **kwargs: print(name), delivery=on_commit)
        signal.send(None, name="at once")
        with transaction.atomic():
            signal.send(None, name="after")
            print("in")
        print("_table" in vars(Djangos()))
        """
    ) == ["at once", "in", "after", "False"]


def test_a_program_without_settings():
    """A program that only imports Django, without settings, is in no transaction."""
    assert run(
        "",
        before_setup="""
        import django.db
        from clarion import Signal, on_commit
        signal = Signal()
        signal.connect(lambda **kwargs: print("ran"), delivery=on_commit)
        signal.send(None)
        signal.send(None, using="default")
        """,
    ) == ["ran", "ran"]


def test_a_program_without_databases():
    """In a program whose settings have no databases, a receiver runs at once."""
    assert run(
        """
        settings.DATABASES = {}
        django.setup()
        from clarion import Signal, on_commit
        signal = Signal()
        signal.connect(lambda **kwargs: print("ran"), delivery=on_commit)
        [[_, scheduled]] = signal.send(None)
        print(scheduled.boundary)
        """
    ) == ["ran", "no transaction"]
