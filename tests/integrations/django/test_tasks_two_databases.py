"""django-tasks-db, and sends in the transactions of another database."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("django_tasks_db")

PROGRAM = """
import logging, sys
from unittest import TestResult, TestSuite
import django
from django.conf import settings

names = {"default": "tasks.db", "other": "other.db"}
settings.configure(
    DATABASES={
        alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": name} for alias, name in names.items()
    },
    INSTALLED_APPS=["django_tasks_db", "clarion.integrations.django"],
    TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
    USE_TZ=True,
)
django.setup()

from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import transaction
from django.test import TestCase
from django_tasks_db.models import DBTaskResult

from clarion import Signal
from clarion.integrations.django.tasks import tasks
from clarion.integrations.django.tasks import DjangoTasksDelivery

call_command("migrate", verbosity=0)
order_paid, delivery = Signal(name="shop.order_paid"), DjangoTasksDelivery()

def mail(sender, **kwargs):
    pass

order_paid.connect(mail, delivery=delivery(name="mail", using="other"))

@tasks.task
def mine():
    pass

def send():
    ((_, response),) = order_paid.send(None)
    return response
"""

LATER = """
with transaction.atomic(using="other"):
    response = send()
    assert (response.status, DBTaskResult.objects.count()) == ("waiting", 0)
assert (response.is_within, response.status, DBTaskResult.objects.count()) == (False, "enqueued", 1)

try:
    with transaction.atomic(using="other"):
        response = send()
        raise LookupError
except LookupError:
    assert (response.status, DBTaskResult.objects.count()) == ("dropped", 1)

# The transaction of the tasks is open, and is rolled back after the one of the send was committed.
def within(send):
    try:
        with transaction.atomic():
            with transaction.atomic(using="other"):
                response = send()
            assert response.status == "enqueued", response.response
            raise LookupError
    except LookupError:
        return

within(send)
assert DBTaskResult.objects.count() == 2
within(lambda: async_to_sync(order_paid.asend)(None)[0][1])
assert DBTaskResult.objects.count() == 3
"""

LOCKED = """
# The open transaction has the only lock of the SQLite, so the task is written there, and Clarion says so.
lines = []
logging.getLogger("clarion.background").addFilter(lambda record: lines.append(record.getMessage()))
with transaction.atomic():
    mine.enqueue()
    with transaction.atomic(using="other"):
        response = send()
    assert response.status == "enqueued", response.response
    assert "is in the open transaction of the database default" in lines[-1], lines
assert DBTaskResult.objects.count() == 2
"""

TEST_CASE = """
# A TestCase rolls back what its test has done.
class Tasks(TestCase):
    databases = {"default", "other"}

    def runTest(self):
        with self.captureOnCommitCallbacks(using="other", execute=True):
            response = send()
            assert response.status == "waiting"
        assert (response.status, DBTaskResult.objects.count()) == ("enqueued", 1)

result = TestResult()
TestSuite([Tasks()]).run(result)
assert result.testsRun == 1
assert result.wasSuccessful(), result.errors + result.failures
assert DBTaskResult.objects.count() == 0
"""


OVERRIDDEN = """
# A test overrides the backend, whose tasks run after the commit then, and not in the transaction.
from django.test import override_settings

ran = []
order_sent = Signal(name="shop.order_sent")

def note(sender, **kwargs):
    ran.append(transaction.get_connection().in_atomic_block)

order_sent.connect(note, delivery=delivery(name="note"))
immediate = {"BACKEND": f"{tasks.__name__}.backends.immediate.ImmediateBackend"}
with override_settings(TASKS={"default": immediate}):
    with transaction.atomic():
        order_sent.send(None)
        assert ran == []
    assert ran == [False]
    try:
        with transaction.atomic():
            order_sent.send(None)
            raise LookupError
    except LookupError:
        assert ran == [False]
with transaction.atomic():
    order_sent.send(None)
    assert DBTaskResult.objects.count() == 1
"""


ASYNC = """
# An async receiver that runs in a TestCase sees what the test has written, and its writes are rolled back.
from django.test import override_settings
from clarion.testing import commits

counts = []
order_sent = Signal(name="shop.order_sent")

async def count(sender, task, **kwargs):
    await DBTaskResult.objects.filter(pk=task.pk).aupdate(queue_name="seen")
    counts.append(task.queue_name)

order_sent.connect(count, delivery=delivery(name="count"))
immediate = {"BACKEND": f"{tasks.__name__}.backends.immediate.ImmediateBackend"}

class Async(TestCase):
    databases = {"default", "other"}

    def seen(self):
        return DBTaskResult.objects.filter(queue_name="seen").count()

    def send(self):
        mine.enqueue()
        order_sent.send(None, task=DBTaskResult.objects.get())

    def test_immediate(self):
        mine.enqueue()
        found = DBTaskResult.objects.get()
        with override_settings(TASKS={"default": immediate}):
            with self.captureOnCommitCallbacks(execute=True):
                order_sent.send(None, task=found)
        assert self.seen() == 1

    def test_commits(self):
        with commits():
            self.send()
        assert self.seen() == 1

    async def test_acommits(self):
        await mine.aenqueue()
        found = await DBTaskResult.objects.aget()
        for _ in range(2):
            async with commits():
                ((_, response),) = await order_sent.asend(None, task=found)
            assert response.is_at_once, response
        ((_, response),) = await order_sent.asend(None, task=found)
        assert response.status == "waiting"  # the transaction of the test counts again

result = TestResult()
TestSuite(map(Async, ["test_immediate", "test_commits", "test_acommits"])).run(result)
assert result.testsRun == 3
assert result.wasSuccessful(), result.errors + result.failures
assert DBTaskResult.objects.count() == 0
assert counts == ["default", "default", "default", "seen"]
"""


@pytest.mark.parametrize("part", [LATER, LOCKED, TEST_CASE, OVERRIDDEN, ASYNC])
def test_a_task_and_the_transactions_of_its_thread(tmp_path, part):
    """A task is enqueued after the commit of its send, whatever happens to an open transaction."""
    environment = {**os.environ}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-c", f"{PROGRAM}\n{part}\nprint('passed')"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "passed\n", done.stderr
