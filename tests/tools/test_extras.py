"""Each extra, installed by its documented line into an empty environment."""

import re
import shlex
import sys

import pytest

import interpreters
from tests.house.tree import ROOT
from tests.tools.building import PIP, run

pytestmark = pytest.mark.wheel

# The page of each extra; README is for none.
PAGES = {
    "": "README.md",
    "alembic": "docs/how-to/receive-migration-signals-from-alembic.md",
    "django": "docs/how-to/run-django-on-clarion.md",
    "jinja": "docs/how-to/receive-template-signals-from-jinja.md",
    "msgspec": "docs/how-to/write-a-send-down.md",
    "settings": "docs/how-to/override-settings.md",
    "sqlalchemy": "docs/how-to/send-model-signals-with-sqlalchemy.md",
}

# The lines of a page that install from a checkout, and from the index.
IN_A_CHECKOUT = re.compile(r"^\$ pip install (.*?) +# in a checkout", re.MULTILINE)
AFTER_A_RELEASE = re.compile(r"^\$ pip install (.*?) +# after the first release", re.MULTILINE)

# A program for each extra, as on its page.
EXAMPLES = {
    "msgspec": """
from dataclasses import dataclass
from clarion import signal
from clarion.envelope import Envelope, seal

@dataclass
class Line:
    name: str

@signal(name="shop.order_paid")
def order_paid(sender: str, *, lines: list[Line]) -> None:
    pass

text = seal(order_paid, {"sender": "web", "lines": [Line("tea")]}).to_json()
assert Envelope.from_json(text).arguments(order_paid)["lines"] == [Line("tea")]
""",
    "sqlalchemy": """
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession  # the extra installs greenlet
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from clarion import on_commit, receiver
from clarion.integrations.sqlalchemy import post_save

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

calls = []

@receiver(post_save, sender=Order, delivery=on_commit)
def note(sender, instance, created, **kwargs):
    calls.append((instance.id, created))

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Order(id=7))
    session.flush()
    assert calls == []
    session.commit()
assert calls == [(7, True)]
""",
    "django": """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["clarion.integrations.django", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.core.management import call_command
from django.db.models.signals import post_save
from django.db.transaction import atomic
from django.contrib.contenttypes.models import ContentType
from clarion import on_commit
from clarion.integrations.django import is_installed

calls = []

def note(sender, instance, **kwargs):
    calls.append(instance.model)

assert is_installed()
call_command("migrate", verbosity=0)
post_save.connect(note, sender=ContentType, delivery=on_commit)
with atomic():
    ContentType.objects.create(app_label="shop", model="order")
    assert calls == []
assert calls == ["order"]
""",
    "settings": """
from pydantic_settings import BaseSettings
from clarion import receiver
from clarion.integrations.settings import override_settings, setting_changed

class Settings(BaseSettings):
    currency: str = "EUR"

settings, calls = Settings(), []

@receiver(setting_changed, sender=Settings)
def note(sender, setting, value, enter, **kwargs):
    calls.append((setting, value, enter))

with override_settings(settings, currency="USD"):
    assert settings.currency == "USD"
assert calls == [("currency", "USD", True), ("currency", "EUR", False)]
""",
    "jinja": """
from jinja2 import DictLoader, Environment
from clarion import receiver
from clarion.integrations.jinja import install, template_rendered

environment, calls = Environment(loader=DictLoader({"shop.html": "{{ name }}"})), []
install(environment)

@receiver(template_rendered)
def note(sender, template, context, **kwargs):
    calls.append(template.name)

assert environment.get_template("shop.html").render(name="Tea") == "Tea"
assert calls == ["shop.html"]
""",
    "alembic": """
from pathlib import Path
from alembic import command
from alembic.config import Config
from clarion import receiver
from clarion.integrations.alembic import post_migrate

ENV = '''
from alembic import context
from sqlalchemy import create_engine
from clarion.integrations.alembic import migrating

with create_engine("sqlite://").connect() as connection:
    context.configure(connection=connection)
    with migrating(context), context.begin_transaction():
        context.run_migrations()
'''
REVISION = "revision, down_revision = '4f2a', None\\ndef upgrade(): pass"

Path("scripts/versions").mkdir(parents=True)
Path("scripts/env.py").write_text(ENV)
Path("scripts/versions/first.py").write_text(REVISION)
config, calls = Config(), []
config.set_main_option("script_location", "scripts")
config.set_main_option("path_separator", "os")

@receiver(post_migrate)
def note(sender, plan, **kwargs):
    calls.extend(script.revision for script, _ in plan)

command.upgrade(config, "head")
assert calls == ["4f2a"]
""",
}

# Connect with delivery=on_commit, and send.
ON_COMMIT = """
from clarion import Signal, on_commit

saved, calls = Signal(), []

def note(**kwargs):
    calls.append(kwargs["number"])

saved.connect(note, delivery=on_commit)
saved.send(None, number=1)
assert calls == [1]
"""

# The version is that of the installed distribution.
VERSION = """
import clarion
from importlib.metadata import version

assert clarion.__version__ == version("clarion-signals")
"""

# What a program sees whose framework has no integration, or not all of it.
LACKING = {
    "sqlalchemy>=2.1": """
try:
    import sqlalchemy.ext.asyncio
except ImportError:
    pass
else:
    raise AssertionError("greenlet is installed")
"""
    + EXAMPLES["sqlalchemy"].replace("from sqlalchemy.ext.asyncio", "# from sqlalchemy.ext.asyncio")
    + ON_COMMIT,
    "sqlalchemy<2": """
import sqlalchemy, sqlalchemy.orm
from clarion.errors import MissingExtraError
"""
    + ON_COMMIT
    + """
try:
    saved.send(None, number=2, session=sqlalchemy.orm.Session())
except MissingExtraError as error:
    assert "sqlalchemy 2.0 or later" in str(error)
else:
    raise AssertionError("not refused")
assert calls == [1]
""",
    "django<5.2": "import django.db, django.conf" + ON_COMMIT,
}


# Run the first example of a page, with the console session that follows it.
PASTED = """
import doctest as _doctest, pathlib as _pathlib, re as _re

_page = _pathlib.Path("page.md").read_text()
_first, _second, *_ = _re.findall("^```python\\n(.*?)^```", _page, _re.MULTILINE | _re.DOTALL)
exec(compile(_first, "page.md", "exec"))
_session = _doctest.DocTestParser().get_doctest(
    _second if _second.startswith(">>>") else "", globals(), "page.md", "page.md", 0
)
assert not _doctest.DocTestRunner(optionflags=_doctest.ELLIPSIS).run(_session).failed
"""


@pytest.fixture
def run_with(tmp_path):
    """Return a function that runs programs in a new environment with some requirements."""

    def run_with(requirements, *programs, interpreter=sys.executable, cwd=tmp_path):
        run(interpreter, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
        python = tmp_path / "env" / "bin" / "python"
        run(*PIP, "--python", python, "install", "--no-compile", *requirements, cwd=cwd)
        for program in programs:
            (tmp_path / "program.py").write_text(program)
            run(python, "-W", "error", "program.py", cwd=tmp_path)

    return run_with


@pytest.mark.parametrize("interpreter", interpreters.find_interpreters(), ids=str)
@pytest.mark.parametrize(("extra", "page"), PAGES.items(), ids=[each or "none" for each in PAGES])
def test_the_page_is_enough(checkout, run_with, tmp_path, extra, page, interpreter):
    """The page's line installs all that its first example needs, on every interpreter."""
    text = (ROOT / page).read_text()
    (line,) = IN_A_CHECKOUT.findall(text)
    (tmp_path / "page.md").write_text(text)
    programs = [ON_COMMIT] if not extra else [EXAMPLES[extra]]
    if extra != "alembic":  # whose first example is run by Alembic, as the program does it
        programs.insert(0, PASTED)
    run_with(shlex.split(line), *programs, interpreter=interpreter, cwd=checkout)


@pytest.mark.parametrize(("extra", "page"), PAGES.items(), ids=[each or "none" for each in PAGES])
def test_the_wheel_is_enough(wheel, run_with, extra, page):
    """The line for a release gets as much from the wheel."""
    (line,) = AFTER_A_RELEASE.findall((ROOT / page).read_text())
    (requirement,) = shlex.split(line)
    run_with([f"{requirement} @ {wheel.as_uri()}"], EXAMPLES.get(extra, ON_COMMIT), VERSION)


@pytest.mark.parametrize("requirement", LACKING)
def test_other_versions_break_nothing(wheel, run_with, requirement):
    """A program that has some other release of a framework can use on_commit."""
    run_with([wheel, requirement], LACKING[requirement])


def test_every_extra_is_installed():
    """A new extra is to be added to the examples."""
    text = (ROOT / "pyproject.toml").read_text()
    table = text.partition("[project.optional-dependencies]\n")[2].partition("\n\n")[0]
    assert {line.partition(" ")[0] for line in table.splitlines()} == {*EXAMPLES}
    assert {*PAGES} == {"", *EXAMPLES}
