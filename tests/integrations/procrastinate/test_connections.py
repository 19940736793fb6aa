"""Procrastinate in a Django project: jobs on the connection of Django, in its transactions."""

import os
import secrets
import subprocess
import sys

import psycopg
import pytest

from tests.services import POSTGRES

pytestmark = pytest.mark.service

PROGRAM = """
import asyncio, os
from urllib.parse import urlsplit
import django
from django.conf import settings
from django.core.management import call_command

url = urlsplit(os.environ["URL"])
settings.configure(
    SECRET_KEY="for tests",
    USE_TZ=True,
    INSTALLED_APPS=["procrastinate.contrib.django", "clarion.integrations.django"],
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
        "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port or "",
        "OPTIONS": {"options": "-c search_path=" + os.environ["SCHEMA"]},
    }},
)
django.setup()

import psycopg
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django import app
from clarion import Signal
from clarion.integrations.procrastinate import ProcrastinateDelivery

order_paid = Signal(name="shop.order_paid")

def mail(sender, order_id, **kwargs):
    pass

order_paid.connect(mail, delivery=ProcrastinateDelivery(app, rescue=None)(name="mail"))
call_command("migrate", verbosity=0)
arguments = {**connection.get_connection_params(), "autocommit": True}
other = psycopg.connect(**arguments)

def jobs():
    return other.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()[0]

def send(order_id):
    return order_paid.send(None, order_id=order_id)[0][1]

def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)

with transaction.atomic():
    assert send(1).is_within
    assert jobs() == 0
assert jobs() == 1
try:
    with transaction.atomic():
        undone = send(2)
        raise LookupError
except LookupError:
    assert jobs() == 1
assert undone.status == "dropped"

# With autocommit off, Django does not report the commit.
transaction.set_autocommit(False)
response = send(2)
assert (response.is_within, response.status) == (True, "enqueued")
transaction.rollback()
transaction.set_autocommit(True)

# Another search path finds no table, or that of another schema, which no worker reads.
for path in ("pg_catalog", os.environ["SCHEMA"] + "_other"):
    before = jobs()
    with transaction.atomic():
        run(f"SET LOCAL search_path = {path}")
        response = send(3)
        assert not response.is_within, path
        assert jobs() == before
    assert (response.status, jobs()) == ("enqueued", before + 1), path
    with transaction.atomic():
        assert send(4).is_within, path

# Django counts only the statement that inserts the job.
with transaction.atomic(), CaptureQueriesContext(connection) as queries:
    assert send(5).is_within
assert len(queries) == 1, queries.captured_queries

async def main():
    before = jobs()
    await order_paid.asend(None, order_id=6)
    assert jobs() == before + 1

asyncio.run(main())
print("passed")
"""


def test_jobs_are_in_the_transactions_of_django():
    """A job is inserted in the transaction, if that sees the table of the project."""
    url, name = POSTGRES.url(), f"clarion_{secrets.token_hex(6)}"
    pytest.importorskip("django")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
        admin.execute(f"CREATE SCHEMA {name}_other")
        admin.execute(f"CREATE TABLE {name}_other.procrastinate_jobs (id int)")
        try:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM],
                env={**os.environ, "URL": url, "SCHEMA": name},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        finally:
            admin.execute(f"DROP SCHEMA {name} CASCADE")
            admin.execute(f"DROP SCHEMA {name}_other CASCADE")
    assert done.stdout.strip() == "passed", done.stderr
