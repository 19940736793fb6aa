"""The app with the tables."""

from tests.integrations.django import programs


def test_the_app_needs_its_migration_and_no_other_app():
    """The app has its own models and works without the other app."""
    lines = programs.run(
        """
        settings.INSTALLED_APPS += ["clarion.integrations.django.outbox"]
        django.setup()
        from django.apps import apps
        from django.core.management import call_command
        from clarion.envelope.references import kinds

        config = apps.get_app_config("clarion_outbox")
        print(sorted(model.__name__ for model in config.get_models()))
        print(sorted(kinds))
        call_command("migrate", verbosity=0)
        call_command("check", databases=["default"])
        """
    )
    assert lines == [
        "['Blocked', 'Dead', 'Delivery', 'Event', 'Inbox', 'Partition']",
        "['django']",
        "System check identified no issues (0 silenced).",
    ]


def test_the_other_app_has_no_tables():
    """A project with the other app only has no tables, and loads no outbox."""
    lines = programs.run(
        """
        settings.INSTALLED_APPS += ["clarion"]
        django.setup()
        import sys
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        print([name for name in connection.introspection.table_names() if "clarion" in name])
        print("clarion.outbox" in sys.modules)
        """
    )
    assert lines == ["[]", "False"]
