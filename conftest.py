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

MISSING = [name for name in ("django", "sqlalchemy") if find_spec(name) is None]
HAS_DJANGO = "django" not in MISSING

collect_ignore = [f"tests/integrations/{name}" for name in MISSING]
pytest_collect_file = PAGES.pytest()


def pytest_report_header() -> list[str]:
    """Say aloud that a part of the suite is left out."""
    return [f"{name} is not installed: what needs it is left out" for name in MISSING]


def pytest_configure() -> None:
    """Set Django up; pytest-django cannot be told in pyproject.toml, which is read without it too."""
    if HAS_DJANGO:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django.settings")
        import django

        django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-django that pages need a database, which it creates on demand."""
    for item in items:
        if HAS_DJANGO and isinstance(item, SybilItem) and uses(item.example.document, "django"):
            item.add_marker("django_db")


def pytest_collection_finish() -> None:
    """Let the many tests that call gc.collect() walk through what is new only."""
    gc.freeze()


def uses(document: Document, package: str) -> bool:
    """Tell whether a page imports a package."""
    importing = rf"^\s*(>>> )?(from|import) {package}\b"
    return re.search(importing, document.text, re.MULTILINE) is not None


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make a page the program that runs, which leaves nothing behind in the others.

    A page that imports Django gets an empty database.
    """
    (document,) = request.node.documents
    with restored(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", document.module)
        if uses(document, "sqlalchemy"):
            pytest.importorskip("sqlalchemy")
        if uses(document, "django"):
            yield from database(request)
        else:
            yield


def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open the test database, and empty it afterwards: a page really commits."""
    pytest.importorskip("django")
    from django.core.management import call_command

    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)
