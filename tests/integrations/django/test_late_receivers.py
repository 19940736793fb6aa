"""Receivers that are connected after the classes of the models are prepared."""

import json

import pytest

from tests.integrations.django import programs

APPS = """
from django.apps import AppConfig
from django.db.models.signals import class_prepared

def early(**kwargs): ...

class_prepared.connect(early)

class Config(AppConfig):
    name = "shop"

    def ready(self):
        class_prepared.connect(late)
        from shop import receivers
        from shop.models import Order
        class_prepared.connect(late, sender=Order, dispatch_uid="order")

    def later(self):
        class_prepared.connect(late, dispatch_uid="later")

def late(**kwargs): ...
"""

MODELS = """
from django.db import models
from django.db.models.signals import class_prepared

from shop import fields

class Order(models.Model):
    number = fields.Number()

def prepared(**kwargs): ...

class_prepared.connect(prepared, sender=Order)
class_prepared.connect(prepared, sender=models.Model, dispatch_uid="base")
"""

FIELDS = """
from django.db import models
from django.db.models.signals import class_prepared

def noted(sender, **kwargs):
    print("noted", sender.__name__)

class Number(models.IntegerField):
    def contribute_to_class(self, cls, name, **kwargs):
        super().contribute_to_class(cls, name, **kwargs)
        class_prepared.connect(noted, sender=cls)
"""

RECEIVERS = """
from django.db.models.signals import class_prepared
from django.dispatch import receiver

@receiver(class_prepared)
def mail(**kwargs): ...
"""

PROGRAM = """
import json, pathlib, sys, tempfile, warnings

folder = pathlib.Path(tempfile.mkdtemp())
sys.path.insert(0, str(folder))
(folder / "shop").mkdir()
for name, text in FILES.items():
    (folder / "shop" / f"{name}.py").write_text(text)
settings.INSTALLED_APPS += ["clarion.integrations.django", "shop.apps.Config"]
settings.SILENCED_SYSTEM_CHECKS = ["models.W042"]
warnings.simplefilter("ignore")
django.setup()

from django.core.checks import run_checks

print(json.dumps([[e.id, e.obj, e.msg] for e in run_checks() if e.id.startswith("clarion")]))
"""


def run(**changed):
    """Return what the project prints before the checks, and the messages of its checks."""
    files = {"apps": APPS, "models": MODELS, "fields": FIELDS, "receivers": RECEIVERS, **changed}
    *printed, last = programs.run(f"FILES = { ({'__init__': '', **files})!r}\n{PROGRAM}")
    return printed, json.loads(last)


@pytest.fixture(scope="module")
def report():
    """Return what one project with faults prints."""
    return run()


def test_receivers_that_are_connected_too_late(report):
    """Those in ready(), in a module that it imports, and those of a model that exists are found."""
    printed, found = report
    assert printed == ["noted Order"]
    assert {each[0] for each in found} == {"clarion.W011"}
    reasons = {
        place: message.partition(" is connected ")[2].partition(",")[0]
        for _, place, message in found
    }
    assert reasons == {
        "shop/apps.py:13": "in ready()",
        "shop/apps.py:16": "in ready()",
        "shop/models.py:12": "to Order",
        "shop/models.py:13": "to Model",
        "shop/receivers.py:5": "in a module that ready() imports",
    }
    assert any("Receiver shop.receivers.mail of signal" in each[2] for each in found)


def test_a_module_that_another_one_imports_may_be_early():
    """A module that the models import, too, is imported before they are prepared."""
    found = run(models="from shop import receivers\n" + MODELS)[1]
    assert "shop/receivers.py:5" not in {each[1] for each in found}


def test_what_was_not_connected_is_no_finding():
    """A file whose ready() has not run, such as that of another configuration, has no finding."""
    found = run(
        apps=APPS.replace("Config(AppConfig)", "Other(AppConfig)")
        + '\nclass Config(AppConfig):\n    name = "shop"\n'
    )[1]
    assert {each[1] for each in found} == {"shop/models.py:12", "shop/models.py:13"}
