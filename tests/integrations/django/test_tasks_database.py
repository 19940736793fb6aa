"""django.tasks on django-tasks-db: real transactions, and a real worker process."""

import json
import os
import secrets
import subprocess
import sys

import pytest

from tests.services import POSTGRES

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("django_tasks_db")

pytestmark = pytest.mark.service

PROGRAM = """
import asyncio, json, os, sys
from urllib.parse import urlsplit
import django
from django.conf import settings
from django.core.management import call_command

url = urlsplit(os.environ["URL"])
settings.configure(
    SECRET_KEY="for tests",
    USE_TZ=True,
    INSTALLED_APPS=["django_tasks_db", "clarion.integrations.django"],
    TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
        "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port or "",
        "OPTIONS": {"options": "-c search_path=" + os.environ["SCHEMA"]},
    }},
)
django.setup()

from django.db import transaction
from clarion import Signal
from clarion.integrations.django.tasks import DjangoTasksDelivery

order_paid, delivery = Signal(name="shop.order_paid"), DjangoTasksDelivery()

def mail(sender, order_id, **kwargs):
    print(json.dumps(["mail", order_id, os.getpid()]), flush=True)

async def amail(sender, order_id, **kwargs):
    print(json.dumps(["amail", order_id, os.getpid()]), flush=True)

order_paid.connect(mail, delivery=delivery(name="mail"))
order_paid.connect(amail, delivery=delivery(name="amail"))

if sys.argv[1] == "migrate":
    call_command("migrate", verbosity=0)
if sys.argv[1] == "work":
    call_command("db_worker", "--batch", "--no-startup-delay", verbosity=0)
if sys.argv[1] == "send":
    with transaction.atomic():
        responses = order_paid.send(None, order_id=1)
        assert all(each.is_within for _, each in responses)
    assert {each.status for _, each in responses} == {"enqueued"}
    try:
        with transaction.atomic():
            responses = order_paid.send(None, order_id=2)
            raise LookupError
    except LookupError:
        assert {each.status for _, each in responses} == {"dropped"}
    asyncio.run(order_paid.asend(None, order_id=3))
"""


@pytest.fixture
def run():
    """Yield a function that starts the program in a process, and a connection to its schema."""
    url, name = POSTGRES.url(), f"clarion_{secrets.token_hex(6)}"
    environment = {**os.environ, "URL": url, "SCHEMA": name}
    environment.pop("DJANGO_SETTINGS_MODULE", None)

    def start(action):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, action],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
        try:
            start("migrate")
            yield start
        finally:
            admin.execute(f"DROP SCHEMA {name} CASCADE")


def test_tasks_are_in_the_transaction_of_the_send(run):
    """Tasks are committed or rolled back with the send, and a worker in another process makes them."""
    assert run("send") == []
    made = run("work")
    assert [each[:2] for each in made] == [["mail", 1], ["amail", 1], ["mail", 3], ["amail", 3]]
    assert os.getpid() not in {pid for _, _, pid in made}
    assert run("work") == []
