"""The system checks of durable receivers."""

import pytest
from django.core.checks import run_checks
from django.db import connections, transaction
from django.db.models.signals import post_save

from clarion import Signal, durable
from clarion.integrations.django.outbox import checks
from clarion.integrations.django.outbox.checks import check_databases, check_transaction_modes
from clarion.integrations.django.outbox.vendors import transaction_mode
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author
from tests.integrations.django.outbox.sends import authors
from tests.integrations.django.outbox.test_vendors import Oracle

order_paid = Signal(name="shop.order_paid")


def mail(**kwargs):
    """Do nothing."""


@pytest.fixture
def receiver(alias):
    """Connect a durable receiver whose deliveries are stored in the database."""
    order_paid.connect(mail, delivery=durable(database=alias))
    yield mail
    order_paid.disconnect(mail)


def test_a_database_with_tables_is_fine(alias, receiver):
    """A database with tables causes no warning, and one that no receiver needs is not read."""
    assert check_databases(databases=[alias, "default"]) == []
    assert check_databases(databases=None) == []


def test_missing_tables_are_reported(alias, receiver):
    """The warning names the database, the receiver, the app and the command."""
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE clarion_meta RENAME TO hidden")
    try:
        with transaction.atomic(using=alias):  # as with AUTOCOMMIT off
            [found] = check_databases(databases=[alias])
            assert authors(alias) == 0
        assert found in run_checks(tags=["database"], databases=[alias])
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO clarion_meta")
    assert found.id == "clarion.W002"
    assert f"database '{alias}'" in found.msg
    assert "test_checks:mail" in found.msg
    assert found.hint == f"Run `manage.py migrate --database={alias}`."  # the app is installed


def test_tables_of_another_version_are_reported(alias, receiver):
    """The warning about tables of another version names both versions."""
    with connections[alias].cursor() as cursor:
        cursor.execute("UPDATE clarion_meta SET value = 0")
        [found] = check_databases(databases=[alias])
        cursor.execute("UPDATE clarion_meta SET value = 1")
    assert "have version 0, and this Clarion works with version 1" in found.msg


def test_without_durable_receivers_nothing_is_read(alias):
    """Without durable receivers no database is read."""
    assert check_databases(databases=[alias]) == []
    assert check_transaction_modes() == []


def test_the_database_of_a_model_is_needed(transactional_db):
    """The database in which the sender of a model signal is written is checked."""
    post_save.connect(mail, sender=Author, delivery=durable)
    try:
        assert checks.needed_aliases() == {"default": f"{__name__}:mail"}
    finally:
        post_save.disconnect(mail, sender=Author)


def test_another_kind_of_database_is_reported(other, monkeypatch):
    """A kind of database without an outbox is reported with the cure, and not read."""
    order_paid.connect(mail, delivery=durable(database=other))
    monkeypatch.setattr(checks, "connections", {"other": Oracle})
    monkeypatch.setattr(checks, "needed_aliases", lambda: {"other": "mail"})
    [found] = check_databases(databases=["other"])
    order_paid.disconnect(mail)
    assert "of the kind 'oracle'" in found.msg
    assert "durable(database=...)" in found.hint


def test_a_deferred_sqlite_is_reported(other):
    """SQLite with deferred transactions is reported, because sends may fail after a read."""
    order_paid.connect(mail, delivery=durable(database=other))
    try:
        [found] = check_transaction_modes()
        assert found in run_checks(tags=["signals"])
        assert found.id == "clarion.W003"
        assert "'transaction_mode': 'IMMEDIATE'" in found.hint
        connections[other].settings_dict["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
        assert transaction_mode(connections[other]) == "IMMEDIATE"
        assert check_transaction_modes() == []
    finally:
        connections[other].settings_dict["OPTIONS"].clear()
        order_paid.disconnect(mail)


def test_other_databases_have_no_such_pitfall(postgres_database, transactional_db):
    """PostgreSQL and a database in memory are not reported, because their readers may write."""
    for database in (postgres_database, "default"):
        order_paid.connect(mail, delivery=durable(database=database))
        assert check_transaction_modes() == []
        order_paid.disconnect(mail)


def test_a_project_without_the_app_gets_the_cure():
    """`manage.py check --database default` names the app that is missing."""
    lines = programs.run(
        """
        settings.INSTALLED_APPS += ["clarion"]
        django.setup()
        from django.core.checks import run_checks
        from clarion import Signal, durable, receiver
        paid = Signal(name="shop.paid")

        @receiver(paid, delivery=durable(name="mail"))
        def mail(**kwargs): ...

        for found in run_checks(databases=["default"]):
            print(found.id, found.hint)
        """
    )
    [line] = lines
    assert line.startswith(
        "clarion.W002 Add 'clarion.integrations.django.outbox' to INSTALLED_APPS, and run `manage.py"
    )


def test_the_first_migrate_reports_no_missing_tables():
    """It creates them itself. The checks before it report them, and so does a `migrate` that does not create them."""
    lines = programs.run(
        """
        import contextlib, io
        settings.INSTALLED_APPS += ["clarion", "clarion.integrations.django.outbox"]
        django.setup()
        from django.core.checks import run_checks
        from django.core.management import call_command
        from clarion import Signal, durable, receiver
        paid = Signal(name="shop.paid")

        @receiver(paid, delivery=durable(name="mail"))
        def mail(**kwargs): ...

        def migrate():
            with contextlib.redirect_stderr(io.StringIO()) as printed:
                call_command("migrate", verbosity=0, skip_checks=False)
            return "W002" in printed.getvalue()

        print([each.id for each in run_checks(databases=["default"])], migrate(), migrate())
        from django.db import connection
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE clarion_meta")
        print(migrate())
        """
    )
    assert lines == ["['clarion.W002'] False False", "True"]
