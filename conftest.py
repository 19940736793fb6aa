"""What every test gets: the pages as tests, and Django where it is installed."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from sybil import Document
from sybil.integration.pytest import SybilItem

from clarion.testing.reset import restored
from tests.docs.pages import PAGES

HAS_DJANGO = find_spec("django") is not None

WEB = ["fastapi", "litestar", "quart", "starlette", "httpx", "uvicorn", "waitress", "websockets"]

# What the tests of each door need, beside Clarion.
NEEDS = {
    "tests/commit/test_peewee.py": ["peewee"],
    "tests/integrations/django": ["django"],
    "tests/integrations/sqlalchemy": ["sqlalchemy"],
    "tests/integrations/test_gotchas.py": ["django", "sqlalchemy"],
    "tests/integrations/test_asgi.py": WEB,
    "tests/integrations/test_asgi_gone.py": WEB,
    "tests/integrations/test_wsgi.py": ["flask", "httpx", "waitress"],
    "tests/integrations/test_settings.py": ["pydantic_settings"],
    "tests/integrations/test_jinja.py": ["jinja2"],
    "tests/integrations/test_alembic.py": ["alembic", "sqlalchemy"],
}
MISSING = sorted({each for needed in NEEDS.values() for each in needed if find_spec(each) is None})

collect_ignore = [path for path, needed in NEEDS.items() if not {*MISSING}.isdisjoint(needed)]
pytest_collect_file = PAGES.pytest()


def pytest_report_header() -> list[str]:
    """Say aloud that a part of the suite is left out."""
    if not MISSING:
        return []
    return [f"not installed, and what needs it is left out: {', '.join(MISSING)}"]


def pytest_configure() -> None:
    """Set Django up; pytest-django cannot be told in pyproject.toml, which is read without it too."""
    if HAS_DJANGO:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django.settings")
        import django

        django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-django that pages need a database, which it creates on demand."""
    for item in items:
        if HAS_DJANGO and isinstance(item, SybilItem) and uses_django(item.example.document):
            item.add_marker("django_db")


@pytest.fixture(scope="module", autouse=True)
def _young_heap() -> None:
    """Let the many tests that call gc.collect() walk through what is new in their module only."""
    gc.collect()
    gc.freeze()


def imports(document: Document) -> set[str]:
    """Name the packages that a page imports."""
    return {*re.findall(r"^\s*(?:>>> )?(?:from|import) (\w+)", document.text, re.MULTILINE)}


def uses_django(document: Document) -> bool:
    """Tell whether a page imports Django."""
    return "django" in imports(document)


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make a page the program that runs, which leaves nothing behind in the others.

    A page that imports Django gets an empty database. One that imports what is not
    installed is skipped.
    """
    (document,) = request.node.documents
    for missing in imports(document).intersection(MISSING):
        pytest.skip(f"{missing} is not installed")
    with restored(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", document.module)
        if uses_django(document):
            yield from database(request)
        else:
            yield
        forget_models(document)


def forget_models(document: Document) -> None:
    """Have SQLAlchemy forget the classes of a page, or the next one could not name its own."""
    if "sqlalchemy" not in imports(document):
        return
    from sqlalchemy.orm import registry

    found = (getattr(value, "registry", None) for value in document.namespace.values())
    for each in {each for each in found if isinstance(each, registry)}:
        each.dispose()


def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open the test database, and empty it afterwards: a page really commits."""
    pytest.importorskip("django")
    from django.core.management import call_command

    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)
