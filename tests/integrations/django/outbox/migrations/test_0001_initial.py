"""The first migration; `test_tables` runs it on each kind of database."""

from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from clarion.integrations.django.outbox.tables import LABEL


def test_the_models_are_those_of_the_migration():
    """`makemigrations --check` finds no difference between the models and the migration."""
    call_command("makemigrations", LABEL, check=True, dry_run=True, verbosity=0)


def test_the_migration_depends_on_no_other():
    """The migration depends on no other, so a project can add the app at any time."""
    migration = MigrationLoader(None).disk_migrations[LABEL, "0001_initial"]
    assert migration.initial
    assert migration.dependencies == []
