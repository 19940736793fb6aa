"""django.tasks with the backend of django-tasks-db on PostgreSQL, through a proxy that can be cut."""

import secrets
from urllib.parse import urlsplit

import psycopg
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from clarion.integrations.django.tasks import DjangoTasksDelivery
from tests.background.brokers import Supervised
from tests.background.stage import Stage
from tests.background.stages.django_tasks_settings import ALIAS, APP, TASKS, Router, database
from tests.integrations.django import settings
from tests.services import POSTGRES


class Project(Supervised):
    """The proxy; Django connects again after a cut, as at the end of a request."""

    def start(self):
        """Accept connections, and start a worker."""
        if self.stage is not None:
            connections[ALIAS].close()
        super().start()


class DjangoTasksStage(Stage):
    """The backend of django-tasks-db in a schema of its own.

    Args:
        folder: an empty folder.
    """

    ready = "Starting worker"
    retries = False

    def __init__(self, folder):
        super().__init__(folder)
        self.parking = {"queue_name": "parked"}
        parts = urlsplit(POSTGRES.url())
        self.admin = psycopg.connect(parts.geturl(), autocommit=True)
        self.schema = f"clarion_{secrets.token_hex(6)}"
        self.admin.execute(f"CREATE SCHEMA {self.schema}")
        self.broker = Project(parts.hostname, parts.port or 5432, self)
        where = f"{parts.username}:{parts.password or ''}@127.0.0.1:{self.broker.port}"
        self.url = parts._replace(netloc=where).geturl()
        self.settings = override_settings(
            INSTALLED_APPS=[*settings.INSTALLED_APPS, APP],
            TASKS={**settings.TASKS, **TASKS},
            DATABASE_ROUTERS=[Router()],
        )
        self._begin()

    def _begin(self):
        """Add the database and the backend to the settings of the test's process."""
        added = database(self.url, self.schema)
        usual = connections.settings["default"]
        made = connections.configure_settings({"default": usual, ALIAS: added})
        connections.settings[ALIAS] = made[ALIAS]
        self.settings.enable()
        call_command("migrate", "django_tasks_database", database=ALIAS, verbosity=0)
        self.delivery = DjangoTasksDelivery(ALIAS)

    def environment(self):
        """Return the database and the schema."""
        return {"CLARION_TEST_BROKER": self.url, "CLARION_TEST_SCHEMA": self.schema}

    def command(self):
        """Return the command of a worker that does not take parked tasks."""
        return ["-m", "tests.background.stages.django_tasks_worker"]

    def parked(self):
        """Return the number of tasks in the parking queue."""
        return len(self.tasks("queue_name = 'parked'"))

    def tasks(self, condition):
        """Return the id, the status and the traceback of tasks, in the order of their sends.

        Args:
            condition: a condition of SQL.
        """
        query = (
            f"SELECT id, status, traceback FROM {self.schema}.django_tasks_database_dbtaskresult "  # noqa: S608
            f"WHERE {condition} ORDER BY enqueued_at"
        )
        return self.admin.execute(query).fetchall()

    def close(self):
        """End the workers, drop the schema, and restore the settings."""
        self.kill_workers()
        connections[ALIAS].close()
        self.settings.disable()
        del connections[ALIAS], connections.settings[ALIAS]
        self.admin.execute(f"DROP SCHEMA {self.schema} CASCADE")
        self.admin.close()
        super().close()
