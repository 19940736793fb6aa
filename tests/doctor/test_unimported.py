"""Modules that connect receivers, and that nothing imports."""

from textwrap import indent

import pytest

from clarion.doctor import examine

MAIL = """
from clarion import receiver
from PACKAGE.signals import paid

@receiver(paid)
def mail(**kwargs): ...
"""
SIGNALS = "from clarion import Signal\npaid = Signal()\n"


def files(findings):
    """Return the code, the module and the line of each finding."""
    return [(each.code, each.subject.partition(".")[2], each.line) for each in findings]


def of(package):
    """Return the findings in a package."""
    return [each for each in examine([package]) if each.subject.startswith(f"{package}.")]


@pytest.mark.parametrize(
    "text",
    [
        MAIL,
        "\nfrom ..signals import paid\n\npaid.connect(print)\n\n",
        "\nimport PACKAGE.signals\n\n@PACKAGE.signals.paid.connect(sender='web')\ndef mail(**k): ...",
        "\nfrom PACKAGE import signals as those\n\n@those.paid.connect\ndef mail(**k): ...",
        "from PACKAGE.signals import paid\ndef wire():\n    connect = paid.connect\n    connect(print)\nwire()",
    ],
    ids=["receiver", "connect", "connect as a decorator", "bare decorator", "function"],
)
def test_a_module_that_nothing_imports(plant, text):
    """It is found at its first receiver, and not run."""
    package = plant(["signals"], signals=SIGNALS, orders__in____init__="", orders__in__mail=text)
    line = 5 if "@receiver" in text else 4
    assert files(of(package)) == [("W007", "orders.mail", line)]


def test_the_message_counts_and_names_the_cure(plant):
    """It names the module, and how to import it."""
    package = plant(["signals"], signals=SIGNALS, mail=MAIL + "paid.connect(print)\n")
    [finding] = of(package)
    assert finding.problem == (
        f"The module {package}.mail connects 2 receivers, and nothing imports it."
    )
    assert "clarion.autodiscover" in finding.cure
    assert f"clarion doctor {package}.mail" in finding.cure


def test_a_module_that_was_imported(plant):
    """Nothing is found, whichever module of the package is named."""
    package = plant(["mail"], signals=SIGNALS, mail=MAIL)
    assert of(package) == []
    assert of(f"{package}.mail") == []


def test_a_module_that_a_function_imports(plant):
    """A factory may import it later."""
    package = plant(
        ["signals", "app"],
        signals=SIGNALS,
        mail=MAIL,
        app="def make_app():\n    from . import mail\n    return mail\n",
    )
    assert of(package) == []


@pytest.mark.parametrize(
    "text",
    ["'PACKAGE.mail'", "'.mail'", "['PACKAGE.mail:mail']", "{'call': 'PACKAGE.mail.mail'}"],
)
def test_a_module_that_a_text_names(plant, text):
    """An engine, or `import_module`, may import it later."""
    package = plant(["signals", "app"], signals=SIGNALS, mail=MAIL, app=f"MODULES = {text}\n")
    assert of(package) == []


@pytest.mark.parametrize(
    "call",
    [
        "clarion.autodiscover('mail')",
        "clarion.autodiscover('mail', packages=['PACKAGE'])",
        "celery.autodiscover_tasks(related_name='mail')",
        "celery.autodiscover_tasks(['PACKAGE'], 'mail')",
    ],
)
def test_a_module_that_a_function_discovers(plant, call):
    """A factory may call it later."""
    package = plant(
        ["signals", "app"], signals=SIGNALS, mail=MAIL, app=f"def make_app():\n    {call}\n"
    )
    assert of(package) == []


def test_a_module_that_is_discovered_by_default(plant):
    """It is named `receivers`; another one is found still."""
    package = plant(
        ["signals", "app"],
        signals=SIGNALS,
        mail=MAIL,
        receivers=MAIL,
        app="import clarion\ndef make_app():\n    clarion.autodiscover()\n",
    )
    assert files(of(package)) == [("W007", "mail", 5)]


@pytest.mark.parametrize("listed", ["['PACKAGE.billing']", "('PACKAGE.billing', 'PACKAGE')"])
def test_a_module_of_a_package_that_is_not_listed(plant, listed):
    """A call that lists packages imports the modules of no other one."""
    package = plant(
        ["signals", "app"],
        signals=SIGNALS,
        billing__in____init__="",
        billing__in__receivers=MAIL,
        stock__in____init__="",
        stock__in__receivers=MAIL,
        app=f"import clarion\nclarion.autodiscover('receivers', packages={listed})\n",
    )
    assert files(of(package)) == [("W007", "stock.receivers", 5)]


def test_packages_that_are_computed(plant):
    """Any package may be among them."""
    package = plant(
        ["signals", "app"],
        signals=SIGNALS,
        receivers=MAIL,
        app="import clarion\ndef make_app(names):\n    clarion.autodiscover(packages=['x', *names])\n",
    )
    assert of(package) == []


def test_a_module_that_another_one_imports_later(plant):
    """Its package and its module may be imported one by the other."""
    package = plant(
        ["signals", "app"],
        signals=SIGNALS,
        mail=MAIL,
        web__in____init__="from . import pages",
        web__in__pages="import PACKAGE.mail\n",
        web__in__views="",
        app="def make_app():\n    import PACKAGE.web.views\n",
    )
    assert of(package) == []


def test_an_import_by_a_module_that_is_not_imported(plant):
    """It does not count."""
    package = plant(["signals"], signals=SIGNALS, mail=MAIL, app="import PACKAGE.mail\n")
    assert files(of(package)) == [("W007", "mail", 5)]


@pytest.mark.parametrize(
    "text",
    [
        "import sqlite3\nconnection = sqlite3.connect('a.db')\n",
        "from PACKAGE.signals import paid\ndef start(): paid.connect(print)\n",
        "def receiver(x): return x\n@receiver\ndef f(): ...\n",
        "this is no Python: @receiver(paid)\n",
        "engine = object()\nengine.connect(print)\n",
        "@receiver(paid)\n\0",
        "from PACKAGE.signals import paid\nif __name__ == '__main__':\n    paid.connect(print)\n",
        "import typing\nif typing.TYPE_CHECKING:\n" + indent(MAIL, "    "),
    ],
    ids=[
        *("a driver", "in a function", "another receiver", "broken", "unknown", "a null byte"),
        *("as a script", "for a checker of types"),
    ],
)
def test_other_modules(plant, text):
    """Nothing is found in a module that connects no receiver when it is imported."""
    assert of(plant(["signals"], signals=SIGNALS, mail=text)) == []


@pytest.mark.parametrize(
    "path",
    ["tests__in____init__", "test_mail", "mail_test", "conftest", "__main__", "folder__in__mail"],
)
def test_files_of_other_programs(plant, path):
    """Tests, the main module, and a folder that is no package are not read."""
    assert of(plant(["signals"], signals=SIGNALS, **{path: MAIL})) == []


STAR = "from PACKAGE.signals import *\n"
SIGNALS = "from clarion import Signal, receiver\npaid = Signal()\n_hidden = Signal()\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (STAR + "@receiver(paid)\ndef mail(**kwargs): ...\n", 2),
        (STAR + "@paid.connect\ndef mail(**kwargs): ...\n", 2),
        (STAR + "def mail(**kwargs): ...\npaid.connect(mail)\n", 3),
        ("from .signals import *\npaid.connect(print)\n", 2),
        (STAR + "_hidden.connect(print)\n", None),
        (STAR + "paid = open_door()\npaid.connect(print)\n", None),
        (STAR + "def paid(): ...\npaid.connect(print)\n", None),
    ],
)
def test_names_of_a_star_import_are_found(plant, text, line):
    """A module gets its signals by `import *`, unless it defines the name itself."""
    name = plant(["signals"], signals=SIGNALS, mail=text)
    found = [(each.code, each.line) for each in examine([name]) if each.subject.startswith(name)]
    assert found == ([] if line is None else [("W007", line)])
