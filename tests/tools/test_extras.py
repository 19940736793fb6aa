"""Each extra, installed by its documented line into an empty environment."""

import re
import shlex
import sys
import tomllib

import pytest

import interpreters
from tests.house.tree import ROOT
from tests.tools.building import PIP, run
from tests.tools.programs import EXAMPLES, ON_COMMIT

pytestmark = pytest.mark.wheel

# The page of each extra; README is for none.
PAGES = {
    "": "README.md",
    "alembic": "docs/how-to/receive-migration-signals-from-alembic.md",
    "celery": "docs/how-to/hand-work-to-celery.md",
    "cli": "docs/how-to/see-and-mend-what-is-stored.md",
    "django": "docs/how-to/run-django-on-clarion.md",
    "huey": "docs/how-to/hand-work-to-huey.md",
    "dramatiq": "docs/how-to/hand-work-to-dramatiq.md",
    "django-tasks": "docs/how-to/hand-work-to-django-tasks.md",
    "jinja": "docs/how-to/receive-template-signals-from-jinja.md",
    "msgspec": "docs/how-to/write-a-send-down.md",
    "procrastinate": "docs/how-to/hand-work-to-procrastinate.md",
    "psycopg": "docs/how-to/keep-the-outbox-in-postgresql.md",
    "pymysql": "docs/how-to/keep-the-outbox-in-mariadb.md",
    "rq": "docs/how-to/hand-work-to-rq.md",
    "settings": "docs/how-to/override-settings.md",
    "taskiq": "docs/how-to/hand-work-to-taskiq.md",
    "sqlalchemy": "docs/how-to/send-model-signals-with-sqlalchemy.md",
}

# The lines of a page that install from a checkout, and from the index.
IN_A_CHECKOUT = re.compile(r"^\$ pip install (.*?) +# in a checkout", re.MULTILINE)
AFTER_A_RELEASE = re.compile(r"^\$ pip install (.*?) +# after the first release", re.MULTILINE)

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


# Run all examples of a page as one program, without those that are marked with `skip`.
ALL = """
import ast, asyncio, pathlib, re, types

page = re.sub("<!-- skip: next.*?^```$", "", pathlib.Path("page.md").read_text(), flags=re.M | re.S)
program = types.ModuleType("program")
for example in re.findall("^```python\\n(.*?)^```", page, re.M | re.S):
    code = compile(example, "page.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if (awaited := eval(code, vars(program))) is not None:
        asyncio.run(awaited)
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
    """The page's line installs all that its first example needs; `run_with` asserts it."""
    text = (ROOT / page).read_text()
    (line,) = IN_A_CHECKOUT.findall(text)
    (tmp_path / "page.md").write_text(text)
    programs = [ON_COMMIT] if not extra else [EXAMPLES[extra]]
    # The first examples of these are run by Alembic, or by a project, as the programs do it.
    if extra not in {"alembic", "django-tasks"}:
        programs.insert(0, PASTED)
    run_with(shlex.split(line), *programs, interpreter=interpreter, cwd=checkout)


@pytest.mark.parametrize(("extra", "page"), PAGES.items(), ids=[each or "none" for each in PAGES])
def test_the_wheel_is_enough(wheel, run_with, extra, page):
    """The line for a release installs as much from the wheel; `run_with` asserts it."""
    (line,) = AFTER_A_RELEASE.findall((ROOT / page).read_text())
    (requirement,) = shlex.split(line)
    run_with([f"{requirement} @ {wheel.as_uri()}"], EXAMPLES.get(extra, ON_COMMIT), VERSION)


def test_the_web_page_needs_its_frameworks_only(wheel, run_with, tmp_path):
    """The ASGI and WSGI middleware need no extra and no other package."""
    page = ROOT / "docs/how-to/send-request-signals.md"
    (tmp_path / "page.md").write_text(page.read_text())
    run_with([wheel, "fastapi", "httpx", "flask"], ALL)


@pytest.mark.parametrize("requirement", LACKING)
def test_other_versions_break_nothing(wheel, run_with, requirement):
    """A program that has some other release of a framework can use on_commit."""
    run_with([wheel, requirement], LACKING[requirement])


def test_every_extra_is_installed():
    """A new extra is to be added to the examples."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {*project["optional-dependencies"]} == {*EXAMPLES}
    assert {*PAGES} == {"", *EXAMPLES}
