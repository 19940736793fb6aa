"""Procrastinate on PostgreSQL, through a proxy that can be cut."""

import secrets
from urllib.parse import urlsplit

import psycopg

from tests.background.brokers import Supervised
from tests.background.stage import Stage
from tests.background.stages.procrastinate_app import make
from tests.services import POSTGRES


class ProcrastinateStage(Stage):
    """Procrastinate in a schema of its own.

    Args:
        folder: an empty folder.
    """

    ready = "Starting worker"
    relay = "tests.background.stages.procrastinate_relay"

    def __init__(self, folder):
        super().__init__(folder)
        self.parking = {"queue": "parked"}
        parts = urlsplit(POSTGRES.url())
        self.admin = psycopg.connect(parts.geturl(), autocommit=True)
        self.schema = f"clarion_{secrets.token_hex(6)}"
        self.admin.execute(f"CREATE SCHEMA {self.schema}")
        self.broker = Supervised(parts.hostname, parts.port or 5432, self)
        where = f"{parts.username}:{parts.password or ''}@127.0.0.1:{self.broker.port}"
        self.url = parts._replace(netloc=where).geturl()
        self.app, self.delivery = make(self.url, self.schema)
        self.app.open()
        self.app.schema_manager.apply_schema()

    def environment(self):
        """Return the database and the schema."""
        return {"CLARION_TEST_BROKER": self.url, "CLARION_TEST_SCHEMA": self.schema}

    def command(self):
        """Return the command of a worker that does not take parked jobs."""
        app = "tests.background.stages.procrastinate_app.app"
        return ["-m", "procrastinate", "-v", "--app", app, "worker", "--queues", "default"]

    def parked(self):
        """Return the number of jobs in the parking queue."""
        query = f"SELECT count(*) FROM {self.schema}.procrastinate_jobs WHERE queue_name = 'parked'"  # noqa: S608
        ((found,),) = self.admin.execute(query).fetchall()
        return found

    def close(self):
        """End the workers, and drop the schema."""
        self.kill_workers()
        self.app.close()
        self.admin.execute(f"DROP SCHEMA {self.schema} CASCADE")
        self.admin.close()
        super().close()
