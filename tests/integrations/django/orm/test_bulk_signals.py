"""The signals of bulk writes: their receivers, and when QuerySet's methods are replaced."""

import pytest
from django.db.models import Manager, QuerySet

from clarion.errors import SignatureError
from clarion.integrations.django import post_bulk_delete, post_bulk_update
from tests.integrations.django import programs

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

def replaced():
    return sorted(name for name in before if vars(QuerySet)[name] is not before[name])

def receive(sender, rowcount, using, **kwargs):
    print("received", sender.__name__, rowcount, using)

def write():
    Group.objects.bulk_create([Group(name="a")])
    Group.objects.update(name="b")
    Group.objects.all().delete()
"""


def test_nothing_is_replaced_before_a_receiver_is_connected():
    """Importing the integration, install() and importing the signals replace no method."""
    lines = programs.run(
        PROGRAM
        + """
import sys
install()
print("clarion.integrations.django.orm.bulk_signals" in sys.modules)
from clarion.integrations.django import post_bulk_update
print(replaced())
post_bulk_update.connect(receive)
print(replaced())
write()
uninstall()
print(replaced(), dict(vars(QuerySet)) == before)
write()
"""
    )
    names = "['_raw_delete', 'bulk_create', 'bulk_update', 'update']"
    assert lines == ["False", "[]", names, "received Group 1 default", "[] True"]


def test_capturing_is_listening():
    """Capturing a signal replaces the methods, without a receiver."""
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
    """After uninstall() and install(), a connected receiver is called again, once."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import post_bulk_update
install()
post_bulk_update.connect(receive)
uninstall()
install()
install()
write()
"""
    )
    assert lines == ["received Group 1 default"]


def test_installing_without_receivers_replaces_nothing():
    """install() replaces no methods if no receiver is connected any more."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import post_bulk_update
post_bulk_update.connect(receive)
post_bulk_update.disconnect(receive)
uninstall()
install()
print(replaced())
"""
    )
    assert lines == ["[]"]


def test_the_signals_need_no_install():
    """The signals of bulk writes work without install(), and uninstall() restores the methods."""
    lines = programs.run(
        PROGRAM
        + """
from clarion.integrations.django import is_installed, post_bulk_insert, warn_of_bulk_writes
from django.db.models.signals import post_save
import warnings

def index(**kwargs): ...

post_save.connect(index)
post_bulk_insert.connect(receive)
with warn_of_bulk_writes(), warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    write()
print(len(caught), "__main__.index of post_save" in str(caught[0].message), is_installed())
uninstall()
write()
print(replaced())
"""
    )
    assert lines == ["received Group 1 default", "2 True False", "[]"]


def test_being_an_installed_app_is_enough():
    """An installed app can connect to a model that is not loaded yet."""
    lines = programs.run(
        """
        from clarion.integrations.django import post_bulk_insert

        settings.INSTALLED_APPS += ["clarion.integrations.django"]

        def receive(**kwargs): print("anything")

        def print_groups(sender, rowcount, **kwargs): print(sender.__name__, rowcount)

        post_bulk_insert.connect(receive)
        post_bulk_insert.connect(print_groups, sender="auth.Group")
        django.setup()
        from django.contrib.auth.models import Group
        from django.core.management import call_command

        post_bulk_insert.disconnect(receive)
        call_command("migrate", verbosity=0)
        Group.objects.bulk_create([Group(name="a"), Group(name="b")])
        print(post_bulk_insert.disconnect(print_groups, sender="auth.Group"))
        Group.objects.bulk_create([Group(name="c")])
        """
    )
    assert lines == ["Group 2", "True"]


def test_the_database_is_sent():
    """The send has the alias that was written to, given by the caller or chosen by a router."""
    lines = programs.run(
        """
        settings.DATABASES["other"] = settings.DATABASES["default"].copy()
        """
        + PROGRAM.replace("\n", "\n        ")
        + """
        from clarion.integrations.django import post_bulk_delete, post_bulk_insert, post_bulk_update
        install()
        for signal in (post_bulk_delete, post_bulk_insert, post_bulk_update):
            signal.connect(receive)
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
    assert lines[lines.index("migrated") + 1 :] == ["received Group 1 other"] * 4


def test_receivers_are_checked():
    """A receiver that does not accept the declared keywords is refused."""
    with pytest.raises(SignatureError, match="rowcount"):
        post_bulk_delete.connect(lambda sender, criteria: None)  # type: ignore[arg-type]


def test_managers_keep_their_methods():
    """A manager class made while the methods are replaced has the usual methods."""
    post_bulk_update.connect(lambda **kwargs: None)
    made = Manager.from_queryset(QuerySet)
    assert made.update.__doc__ == QuerySet.update.__doc__
    assert not hasattr(made, "_raw_delete") or hasattr(Manager, "_raw_delete")
    assert not hasattr(made, "delete")
