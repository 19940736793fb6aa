"""The settings of Django for the backend of django-tasks-db, in the test's process and in each worker."""

from urllib.parse import urlsplit

ALIAS = "tasks"
"""The alias of the database, and of the backend."""

APP = "django_tasks_db"
TASKS = {ALIAS: {"BACKEND": f"{APP}.DatabaseBackend", "QUEUES": ["default", "parked"]}}


class Router:
    """Keeps the tasks in the database of the stage."""

    def db_for_read(self, model, **hints):
        """Return the database of a model of the tasks."""
        return ALIAS if model._meta.app_label == "django_tasks_database" else None

    db_for_write = db_for_read


def database(url, schema):
    """Return the settings of a schema of PostgreSQL.

    Args:
        url: the URL of its database.
        schema: the name of the schema.
    """
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "USER": parts.username,
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname,
        "PORT": parts.port or "",
        "OPTIONS": {"options": f"-c search_path={schema}"},
    }
