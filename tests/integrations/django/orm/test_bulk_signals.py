"""The signals of bulk writes: who may listen, when Django is touched, and the warning."""

import warnings

import pytest
from django.db.models import Manager, QuerySet
from django.db.models.signals import post_delete, post_save

from clarion import signals
from clarion.errors import SignatureError
from clarion.integrations.django import (
    BulkWriteWarning,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
    warn_of_bulk_writes,
)
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author, Book, Copy, Shelf

pytestmark = pytest.mark.django_db

PROGRAM = """
django.setup()
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import QuerySet
from clarion.integrations.django import install, uninstall

call_command("migrate", verbosity=0)
names = ("bulk_create", "bulk_update", "update", "_raw_delete")
before = dict(vars(QuerySet))

def touched():
    return sorted(name for name in before if vars(QuerySet)[name] is not before[name])

def hear(sender, rowcount, using, **named):
    print("heard", sender.__name__, rowcount, using)

def write():
    Group.objects.bulk_create([Group(name="a")])
    Group.objects.update(name="b")
    Group.objects.all().delete()
"""


def test_nothing_is_touched_before_somebody_listens():
    """Neither importing the door, nor installing it, nor its signals' being there."""
    lines = programs.run(
        PROGRAM
        + """
import sys
install()
print("clarion.integrations.django.orm.bulk_signals" in sys.modules)
from clarion.integrations.django import post_bulk_update
print(touched())
post_bulk_update.connect(hear)
print(touched())
write()
uninstall()
print(touched(), dict(vars(QuerySet)) == before)
write()
"""
    )
    names = "['_raw_delete', 'bulk_create', 'bulk_update', 'update']"
    assert lines == ["False", "[]", names, "heard Group 1 default", "[] True"]


def test_capturing_is_listening():
    """Who captures a signal in a test need not connect anything."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import post_bulk_insert
from clarion.testing import capture
install()
with capture(post_bulk_insert) as sent:
    write()
print(len(sent))
"""
    )
    assert lines == ["1"]


def test_installing_again_resumes():
    """Who still listens when the door is installed again hears again, once."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import post_bulk_update
install()
post_bulk_update.connect(hear)
uninstall()
install()
install()
write()
"""
    )
    assert lines == ["heard Group 1 default"]


def test_installing_without_listeners_touches_nothing():
    """Nobody listens any more, so nothing resumes."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import post_bulk_update
post_bulk_update.connect(hear)
post_bulk_update.disconnect(hear)
uninstall()
install()
print(touched())
"""
    )
    assert lines == ["[]"]


def test_the_signals_need_no_take_over():
    """They are Clarion's own: connecting is enough, and uninstall() ends it."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import is_installed, post_bulk_insert, warn_of_bulk_writes
from django.db.models.signals import post_save
import warnings

def index(**named): ...

post_save.connect(index)
post_bulk_insert.connect(hear)
with warn_of_bulk_writes(), warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    write()
print(len(caught), "__main__.index of post_save" in str(caught[0].message), is_installed())
uninstall()
write()
print(touched())
"""
    )
    assert lines == ["heard Group 1 default", "2 True False", "[]"]


def test_being_an_installed_app_is_enough():
    """An app's receivers may name a model that is not there yet."""
    lines = programs.run(
        """
        from clarion.integrations.django import post_bulk_insert

        settings.INSTALLED_APPS += ["clarion.integrations.django"]

        def hear(**named): print("anything")

        def hear_groups(sender, rowcount, **named): print(sender.__name__, rowcount)

        post_bulk_insert.connect(hear)
        post_bulk_insert.connect(hear_groups, sender="auth.Group")
        django.setup()
        from django.contrib.auth.models import Group
        from django.core.management import call_command

        post_bulk_insert.disconnect(hear)
        call_command("migrate", verbosity=0)
        Group.objects.bulk_create([Group(name="a"), Group(name="b")])
        print(post_bulk_insert.disconnect(hear_groups, sender="auth.Group"))
        Group.objects.bulk_create([Group(name="c")])
        """
    )
    assert lines == ["Group 2", "True"]


def test_the_database_is_told():
    """The alias that was written to, be it asked for or chosen by a router."""
    lines = programs.run(
        """
        settings.DATABASES["other"] = settings.DATABASES["default"].copy()
        """
        + PROGRAM.replace("\n", "\n        ")
        + """
        from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
        install()
        for signal in (post_bulk_delete, post_bulk_insert, post_bulk_update):
            signal.connect(hear)
        call_command("migrate", verbosity=0, database="other")
        print("migrated")
        made = Group.objects.using("other").bulk_create([Group(name="a")])
        Group.objects.using("other").bulk_update(made, ["name"])

        class Router:
            def db_for_write(self, model, **hints): return "other"

        from django.db import router
        router.routers = [Router()]
        Group.objects.update(name="b")
        Group.objects.all()._raw_delete("other")
        """
    )
    assert lines[lines.index("migrated") + 1 :] == ["heard Group 1 other"] * 4


def test_receivers_are_checked():
    """They are declared signals: a receiver that could not be called is refused."""
    with pytest.raises(SignatureError, match="rowcount"):
        post_bulk_delete.connect(lambda sender, criteria: None)  # type: ignore[arg-type]


def test_managers_keep_their_methods():
    """A manager made while QuerySet is hooked has what it would have had."""
    post_bulk_update.connect(lambda **named: None)
    made = Manager.from_queryset(QuerySet)
    assert made.update.__doc__ == QuerySet.update.__doc__
    assert not hasattr(made, "_raw_delete") or hasattr(Manager, "_raw_delete")
    assert not hasattr(made, "delete")


def index(instance, **named):
    """Stand for the receiver that keeps a search index, as it is passed by."""


@pytest.fixture
def warned():
    """Catch the warnings, with `index` listening to copies being saved and deleted."""
    post_save.connect(index, Copy)
    post_delete.connect(index, Copy)
    with warn_of_bulk_writes(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def test_the_warning_names_who_is_passed_by(warned):
    """Which receivers, of which signal, and the line that writes."""
    Copy.objects.bulk_create([Copy(code="a")])
    [warning] = warned
    assert warning.category is BulkWriteWarning
    assert str(warning.message).startswith(
        f"A bulk write of Copy passes by {__name__}.index of post_save. Write the objects"
    )
    assert warning.filename == __file__


def test_each_bulk_write_warns_once(warned):
    """A bulk_update of several batches too."""
    made = Copy.objects.bulk_create([Copy(code="a"), Copy(code="b")])
    Copy.objects.bulk_update(made, ["code"], batch_size=1)
    Copy.objects.update(stamp=4)
    Copy.objects.all()._raw_delete("default")
    names = [str(warning.message).split(" of ")[2].split(".")[0] for warning in warned]
    assert names == ["post_save", "post_save", "post_save", "post_delete"]


def test_what_passes_nobody_by_does_not_warn(warned):
    """Deletes row by row, writes of none, and classes that nobody listens to."""
    Copy.objects.create(code="a")
    Copy.objects.all().delete()
    Copy.objects.bulk_create([])
    Copy.objects.bulk_update([], ["code"])
    Shelf.objects.update(name="b")
    assert not warned


def test_many_to_many_rows_do_not_warn(warned):
    """Nobody ever hears of them by post_save, so nobody is passed by."""
    post_save.connect(index)
    post_delete.connect(index)
    book, author = Book.objects.create(title="a"), Author.objects.create(name="b")
    book.authors.add(author)
    book.authors.clear()
    assert not warned


def test_a_warning_that_is_an_error_stops_the_write():
    """It comes before anything is written."""
    post_save.connect(index, Copy)
    with warn_of_bulk_writes(), warnings.catch_warnings():
        warnings.simplefilter("error", BulkWriteWarning)
        with pytest.raises(BulkWriteWarning):
            Copy.objects.bulk_create([Copy(code="a")])
    assert not Copy.objects.exists()


def test_the_warning_is_off_unless_asked_for(recwarn):
    """Before the block and after it; within it, it can be turned off again."""
    post_save.connect(index, Copy)
    post_bulk_insert.connect(lambda **named: None)
    with warn_of_bulk_writes():
        with warn_of_bulk_writes(False):
            Copy.objects.bulk_create([Copy(code="a")])
        assert not recwarn.list
        Copy.objects.bulk_create([Copy(code="b")])
        assert len(recwarn.list) == 1
    Copy.objects.bulk_create([Copy(code="c")])
    assert len(recwarn.list) == 1


def test_there_is_one_warning_for_all_doors():
    """One filter is enough for a program that writes through Django and SQLAlchemy."""
    from clarion.integrations import sqlalchemy

    assert BulkWriteWarning is sqlalchemy.BulkWriteWarning is signals.BulkWriteWarning
