"""What `clarion.doctor` finds in a Django project."""

import json

import pytest

from tests.integrations.django import programs

APP = """
from clarion import durable, receiver
from clarion import Signal
from django.apps import AppConfig
from django.db import models
from django.db.models.signals import post_save

paid = Signal(name="shop.paid")

class Config(AppConfig):
    name = "shop"

    def ready(self):
        def index(**kwargs): ...
        post_save.connect(index, sender="shop.Order")
        post_save.connect(lambda **kwargs: None)
        from shop.models import Named
        post_save.connect(in_base, sender=Named)
        from clarion.integrations.django import post_bulk_insert
        post_bulk_insert.connect(in_base, sender="shop.Ordr")

def in_base(**kwargs): ...

@receiver(post_save, sender="shop.Ordr")
def audit(**kwargs): ...

@receiver(paid, delivery=durable(name="shop:send_receipt"))
def send_receipt(**kwargs): ...
"""

MODELS = """
from django.db import models

class Named(models.Model):
    class Meta:
        abstract = True

class Order(Named): ...
"""

RECEIVERS = """
from django.db.models.signals import post_save
from django.dispatch import receiver

@receiver(post_save, sender="shop.Order")
def mail(**kwargs): ...
"""

PROGRAM = """
import clarion.doctor
import io, json, pathlib, sys, tempfile, warnings
from contextlib import redirect_stdout

folder = pathlib.Path(tempfile.mkdtemp())
sys.path.insert(0, str(folder))
(folder / "shop").mkdir()
for name, text in FILES.items():
    (folder / "shop" / f"{name}.py").write_text(text)
settings.INSTALLED_APPS += [
    "clarion.integrations.django", "clarion.integrations.django.outbox", "shop.apps.Config"
]
settings.DATABASES["default"]["NAME"] = str(folder / "shop.db")
settings.DATABASES["other"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "b.db")}
settings.SILENCED_SYSTEM_CHECKS = ["models.W042"]
warnings.simplefilter("ignore")
django.setup()

from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models.signals import post_save

def shown(found):
    return [[e.id, str(e.obj), e.msg, e.hint] for e in found if e.id.startswith("clarion")]

def command(*arguments):
    out = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as error:
        return [out.getvalue(), error.code]
    except CommandError as error:
        return [str(error), error.returncode]
    return [out.getvalue(), 0]

report = {"before": shown(run_checks(databases=["default"]))}
call_command("migrate", verbosity=0, skip_checks=True)
report["clean database"] = command("--database", "default")[0]

from clarion.envelope import seal
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.outbox import store
from clarion.outbox.delivery_row import Target
from shop.apps import paid

with transaction.atomic():
    written = seal(paid, {"sender": None, "signal": paid})
    store.publish(DjangoConnection("default"), written, [Target("shop:mail_receipt")])

report["checks"] = shown(run_checks())
report["database checks"] = shown(run_checks(databases=["default", "other"]))
report["text"] = command("--database", "default")
report["json"] = command("--json", "--database", "default", "--database", "other")
report["unknown"] = command("--database", "nothing")
report["others"] = clarion.doctor.examine()[0].code
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report():
    """Return what one project with faults prints."""
    files = {"__init__": "", "apps": APP, "models": MODELS, "receivers": RECEIVERS}
    lines = programs.run(f"FILES = {files!r}\n{PROGRAM}")
    return json.loads(lines[-1])


def codes(messages):
    """Return the codes and places of messages of Django."""
    return [(each[0].partition(".")[2], each[1]) for each in messages]


def test_the_system_checks(report):
    """Each finding is a system check with its place, the problem and the cure as the hint."""
    found = {each[0]: each for each in report["checks"]}
    assert sorted(codes(report["checks"])) == [
        ("W001", "shop/apps.py:18"),
        ("W003", "database 'default'"),
        ("W004", "shop/apps.py:15"),
        ("W004", "shop/apps.py:16"),
        ("W007", "shop/receivers.py:5"),
    ]
    assert "shop.models.Named, which is abstract" in found["clarion.W001"][2]
    assert found["clarion.W001"][3] == "Connect it with subclasses=True, or to one model."
    assert "shop.receivers connects a receiver, and nothing imports it" in found["clarion.W007"][2]


def test_the_checks_of_databases(report):
    """The checks of databases read those that Django names, and find missing tables before `migrate`."""
    assert ("W002", "database 'default'") in codes(report["before"])
    added = [each for each in report["database checks"] if each not in report["checks"]]
    [(code, _, problem, hint)] = added
    assert code == "clarion.W005"
    assert problem == (
        "1 delivery waits in the database 'default' for the receiver 'shop:mail_receipt', which is not "
        "connected."
    )
    assert "connect that with aliases=['shop:mail_receipt']" in hint


def test_the_command(report):
    """`manage.py doctor` prints all findings, text that names no model among them."""
    text, code = report["text"]
    assert code == 1
    assert "W009 shop/apps.py:24\n" in text
    assert "the sender 'shop.ordr', and no app has such a model." in text
    assert "Did you mean 'shop.Order'?" in text
    assert "of signal clarion.integrations.django.orm.bulk_signals.post_bulk_insert is" in text
    assert text.splitlines()[-1] == "8 findings."
    assert "W005" not in report["clean database"]
    assert "W005" in text


def test_the_command_prints_json(report):
    """With `--json` the command prints the findings with absolute paths."""
    text, code = report["json"]
    found = json.loads(text)
    assert code == 1
    assert {each["code"] for each in found} == {"W001", "W003", "W004", "W005", "W007", "W009"}
    assert found[0].keys() == {"code", "subject", "problem", "cure", "file", "line"}


def test_an_unknown_alias(report):
    """An unknown alias is refused with the aliases that exist."""
    assert report["unknown"] == [
        "No database has the alias nothing. The aliases are: default, other.",
        2,
    ]


def test_a_call_without_modules_examines_the_project(report):
    """A call without modules examines the project, as `manage.py clarion doctor` does."""
    assert report["others"].startswith("W")
