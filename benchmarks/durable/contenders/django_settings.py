"""Django's settings for one database, without a project."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from benchmarks.durable.contender import dialect_of, path_of


def set_up(url: str, *apps: str, **settings: Any) -> None:
    """Configure Django for the database of a URL."""
    conf, django = import_module("django.conf"), import_module("django")
    conf.settings.configure(
        DATABASES={"default": _database(url)}, INSTALLED_APPS=list(apps), USE_TZ=True, **settings
    )
    django.setup()


def _database(url: str) -> dict[str, Any]:
    if dialect_of(url) == "sqlite":
        options = {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        }
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": path_of(url), "OPTIONS": options}
    parts = urlsplit(url)
    return {
        "ENGINE": f"django.db.backends.{dialect_of(url)}",
        "NAME": parts.path[1:],
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }


def migrate() -> None:
    """Create the tables of the apps."""
    import_module("django.core.management").call_command("migrate", verbosity=0)


def unmigrate(*labels: str) -> None:
    """Drop the tables of the apps, and those of Django."""
    apps, database = import_module("django.apps").apps, import_module("django.db")
    with database.connection.cursor() as cursor:
        cascade = " CASCADE" if database.connection.vendor == "postgresql" else ""
        for label in labels:
            for model in apps.get_app_config(label).get_models(include_auto_created=True):
                cursor.execute(f"DROP TABLE IF EXISTS {model._meta.db_table}{cascade}")
        cursor.execute("DROP TABLE IF EXISTS django_migrations")
