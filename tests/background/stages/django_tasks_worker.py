"""The command `db_worker` of django-tasks-db, as a project runs it."""

import os

import django
from django.conf import settings
from django.core.management import execute_from_command_line

from tests.background.stages.django_tasks_settings import ALIAS, APP, TASKS, database

if __name__ == "__main__":
    tasks = database(os.environ["CLARION_TEST_BROKER"], os.environ["CLARION_TEST_SCHEMA"])
    settings.configure(
        SECRET_KEY="for tests",  # noqa: S106
        USE_TZ=True,
        DATABASES={"default": tasks},
        INSTALLED_APPS=[APP, "clarion.integrations.django"],
        TASKS=TASKS,
    )
    django.setup()

    from clarion.integrations.django.tasks import DjangoTasksDelivery
    from tests.background.program import connect

    connect(DjangoTasksDelivery(ALIAS), retries=False)
    given = ["--backend", ALIAS, "--interval", "0.02", "--no-startup-delay", "-v", "2"]
    execute_from_command_line(["manage.py", "db_worker", *given])
