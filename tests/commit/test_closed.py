"""Frameworks that are loaded, and too old for their integration."""

import os
import subprocess
import sys

import pytest

from tests.house.tree import SRC

SETUP = """
import warnings
from clarion import Signal, on_commit
from clarion.errors import MissingExtraError

warnings.simplefilter("error")
saved, calls = Signal(), []


@saved.connect
def now(**kwargs):
    calls.append("now")


def after(**kwargs):
    calls.append("after")


saved.connect(after, delivery=on_commit)
saved.send(None)
assert calls == ["now", "after"], calls


def refused(**named):
    try:
        saved.send(**{"sender": None, **named})
    except MissingExtraError as error:
        return str(error)
    raise AssertionError(calls)
"""

SQLALCHEMY = {
    "sqlalchemy/__init__.py": "__version__ = '1.4.54'",
    "sqlalchemy/orm.py": "class Session: pass\nclass State: pass",
}
DJANGO = {
    "django/__init__.py": "VERSION, __version__ = (5, 1, 15, 'final', 0), '5.1.15'",
    "django/db.py": "class Model: pass",
    "django/conf.py": "class settings: configured = False",
}
SQLALCHEMY_IS_OLD = (
    "clarion.integrations.sqlalchemy needs sqlalchemy 2.0 or later; 1.4.54 is installed. "
    "Run: pip install 'clarion-signals[sqlalchemy]', or in a checkout of Clarion: "
    "pip install '.[sqlalchemy]'"
)
DJANGO_IS_OLD = (
    "clarion.integrations.django needs django 5.2 or later; 5.1.15 is installed. "
    "Run: pip install 'clarion-signals[django]', or in a checkout of Clarion: pip install '.[django]'"
)


@pytest.fixture
def run(tmp_path):
    """Run a program with the modules of a framework that is older than any we support."""

    def run(framework, program):
        for name, source in framework.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(source)
        environ = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{SRC}"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout

    return run


def test_old_sqlalchemy_breaks_no_other_send(run):
    """Connect and send work; a send that names a session or an instance is refused."""
    printed = run(
        SQLALCHEMY,
        "from sqlalchemy.orm import Session, State\n"
        + SETUP
        + """
class Order:
    _sa_instance_state = State()

class Mine(Session): pass

for named in {"session": Mine()}, {"instance": Order()}, {"sender": Mine}:
    print(refused(**named))
assert saved.send_robust(None, session=Session())[1][1].extra == "sqlalchemy"
saved.send(None, session=object(), instance=Session.__doc__)
from clarion.introspect import explain
print(explain(saved, None, session=Session()))
""",
    )
    lines = printed.splitlines()
    assert lines[:3] == [SQLALCHEMY_IS_OLD] * 3
    assert f"never, because the send would raise: {SQLALCHEMY_IS_OLD}" in printed


def test_old_django_warns_of_its_default_database(run):
    """A program that only has Django installed gets no warning; one that set it up gets one."""
    program = """
import django.conf
django.conf.settings.configured = True
try:
    saved.send(None)
except RuntimeWarning as warning:
    print(warning)
class Author(django.db.Model): pass
print(refused(instance=Author()))
print(refused(sender=Author))
replica = Signal()
replica.connect(after, delivery=on_commit(using="replica"))
try:
    replica.send(None)
except LookupError as error:
    print(*error.__notes__[:1])
"""
    printed = run(DJANGO, "import django.db, django.conf\n" + SETUP + program)
    assert printed.splitlines() == [
        "Receivers do not wait for the commit of Django's default database. " + DJANGO_IS_OLD,
        DJANGO_IS_OLD,
        DJANGO_IS_OLD,
        DJANGO_IS_OLD,
    ]


@pytest.mark.parametrize(
    ("framework", "extra", "message"),
    [(SQLALCHEMY, "sqlalchemy", SQLALCHEMY_IS_OLD), (DJANGO, "django", DJANGO_IS_OLD)],
    ids=["sqlalchemy", "django"],
)
def test_old_framework_is_named_at_the_import(run, framework, extra, message):
    """The integration itself cannot be imported, each time with the same error."""
    printed = run(
        framework,
        f"""
for _ in range(2):
    try:
        import clarion.integrations.{extra}
    except ImportError as error:
        print(error)
""",
    )
    assert printed.splitlines() == [message] * 2


INCOMPLETE = {
    "a name is missing": ("__version__ = '2.1.0'", "cannot import name '"),
    "a module is missing": ("__version__ = '2.1.0'\nfrom sqlalchemy.orm import *", "cannot"),
    "a mock": (
        "from unittest.mock import MagicMock\n__version__ = MagicMock()",
        "it has no version",
    ),
}


@pytest.mark.parametrize(("package", "reason"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_framework_breaks_no_other_send(run, package, reason):
    """A stub, a mock of Sphinx or a broken installation is refused where it is needed."""
    stub = {"sqlalchemy/__init__.py": package, "sqlalchemy/orm.py": "class Session: pass"}
    printed = run(
        stub,
        "from sqlalchemy.orm import Session\n" + SETUP + "print(refused(session=Session()))",
    )
    assert printed.startswith(
        f"clarion.integrations.sqlalchemy cannot use sqlalchemy as it is installed: {reason}"
    )
    assert printed.endswith("pip install '.[sqlalchemy]'\n")


def test_a_mocked_django_breaks_no_other_send(run):
    """A program in which Sphinx has replaced Django by a mock still sends."""
    run(
        {},
        "import sys\nfrom unittest.mock import MagicMock\nsys.modules['django'] = MagicMock()\n"
        "sys.modules['django.db'] = MagicMock()\n" + SETUP,
    )


def test_error_in_an_integration_is_raised(run):
    """An error of the integration itself is raised; only the framework's are ignored."""
    stub = {
        "sqlalchemy/__init__.py": "__version__ = '2.1.0'",
        "sqlalchemy/orm.py": "",
        "hooks.py": "import nothing_there",
    }
    broken = (
        "import sqlalchemy.orm\nfrom clarion.commit import providers\n"
        "providers.FRAMEWORKS['sqlalchemy.orm'] = 'hooks'\n"
    )
    with pytest.raises(AssertionError, match="No module named 'nothing_there'"):
        run(stub, broken + SETUP)


def test_a_frozen_program_without_the_integration(run):
    """The error says that the program was bundled without the integration."""
    stub = {"sqlalchemy/__init__.py": "", "sqlalchemy/orm.py": "class Session: pass"}
    frozen = "import clarion.integrations\nsys.modules['clarion.integrations.sqlalchemy'] = None\n"
    printed = run(
        stub,
        "import sys\nfrom sqlalchemy.orm import Session\n"
        + frozen
        + SETUP
        + "print(refused(session=Session()))",
    )
    assert printed.startswith("The program was bundled without clarion.integrations.sqlalchemy")
