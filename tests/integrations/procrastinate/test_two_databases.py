"""Procrastinate on one database of a Django project, and sends in the transactions of another one."""

import os
import secrets
import subprocess
import sys

import psycopg
import pytest

from tests.services import POSTGRES

PROGRAM = """
import asyncio, os
from unittest import TestResult, TestSuite
from urllib.parse import urlsplit
import django
from django.conf import settings
from django.core.management import call_command

url = urlsplit(os.environ["URL"])

def database(schema):
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
        "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port or "",
        "OPTIONS": {"options": "-c search_path=" + schema},
    }

schema = os.environ["SCHEMA"]
settings.configure(
    SECRET_KEY="for tests",
    USE_TZ=True,
    INSTALLED_APPS=["procrastinate.contrib.django", "clarion.integrations.django"],
    DATABASES={"default": database(schema), "other": database(schema + "_other")},
)
django.setup()
call_command("migrate", verbosity=0)

import psycopg
from asgiref.sync import async_to_sync
from django.db import connections, transaction
from django.test import TestCase
from procrastinate.contrib.django import app
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from clarion import Signal
from clarion.integrations.procrastinate import ProcrastinateDelivery

order_paid = Signal(name="shop.order_paid")
procrastinate = ProcrastinateDelivery(app)
reader = psycopg.connect(**{**connections["default"].get_connection_params(), "autocommit": True})

def mail(sender, **kwargs):
    pass

def connected(**options):
    order_paid.disconnect(mail)
    order_paid.connect(mail, delivery=procrastinate(name="mail", **options))

def jobs():
    query = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'clarion.deliver'"
    return reader.execute(query).fetchone()[0]

def send(**keywords):
    return order_paid.send(None, **keywords)[0][1]

def asend():
    return async_to_sync(order_paid.asend)(None)[0][1]
"""

LATER = """
# The transaction of the jobs is open, and is rolled back after the one of the send was committed.
connected(using="other")
for number, each in enumerate((send, asend), 1):
    try:
        with transaction.atomic():
            with transaction.atomic(using="other"):
                response = each()
                assert response.status == "waiting"
            assert (response.status, jobs()) == ("enqueued", number)
            raise LookupError
    except LookupError:
        assert jobs() == number
transaction.set_autocommit(False)
connections["default"].ensure_connection()
with transaction.atomic(using="other"):
    response = send()
transaction.rollback()
transaction.set_autocommit(True)
assert (response.status, jobs()) == ("enqueued", 3)
"""

LOOP = """
# A sync session is committed in the thread of an event loop, where Django refuses its connections.
connected()
engine = create_engine("sqlite://")

async def main():
    with Session(engine) as session:
        session.connection()
        response = send(session=session)
        session.commit()
    assert (response.status, jobs()) == ("enqueued", 1), response.response

asyncio.run(main())
"""

CONFLICT = """
# The job conflicts with one of the open transaction, which waits for it: one of them has to give way.
procrastinate.hold = 0.2
connected(using="other", queueing_lock="mail")
with transaction.atomic():
    app.configure_task("clarion.deliver", queueing_lock="mail").defer(receiver="x", call_body="{}")
    with transaction.atomic(using="other"):
        response = send()
    assert response.status == "failed"
    assert "was not written within 0.2 s" in str(response.response), response.response
assert jobs() == 1
"""

TEST_CASE = """
# A TestCase rolls back what its test has done.
class Jobs(TestCase):
    databases = {"default", "other"}

    def runTest(self):
        connected(using="other")
        with self.captureOnCommitCallbacks(using="other", execute=True) as callbacks:
            response = send()
            assert response.status == "waiting"
        assert len(callbacks) == 1
        assert response.status == "enqueued"
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs")
            assert cursor.fetchone() == (1,)

result = TestResult()
TestSuite([Jobs()]).run(result)
assert result.testsRun == 1
assert result.wasSuccessful(), result.errors + result.failures
assert jobs() == 0
"""


@pytest.mark.service
@pytest.mark.parametrize("part", [LATER, LOOP, CONFLICT, TEST_CASE])
def test_a_job_and_the_transactions_of_its_thread(part):
    """A job is inserted after the commit of its send, whatever happens to another open transaction."""
    url, name = POSTGRES.url(), f"clarion_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as admin:
        for schema in (name, f"{name}_other"):
            admin.execute(f"CREATE SCHEMA {schema}")
        try:
            done = subprocess.run(
                [sys.executable, "-c", f"{PROGRAM}\n{part}\nprint('passed')"],
                env={**os.environ, "URL": url, "SCHEMA": name},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        finally:
            for schema in (name, f"{name}_other"):
                admin.execute(f"DROP SCHEMA {schema} CASCADE")
    assert done.stdout.strip() == "passed", done.stderr
