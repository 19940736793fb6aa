"""The pages as tests, and the setup of Django if it is installed."""

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

WEB = [
    "fastapi",
    "flask",
    "httpx",
    "litestar",
    "quart",
    "starlette",
    "uvicorn",
    "waitress",
    "websockets",
]

# The packages that the tests of each integration need.
NEEDS = {
    "docs/recipes/desktop-programs.md": ["_tkinter"],
    "docs/recipes/flask-sqlalchemy.md": ["flask_sqlalchemy"],
    "docs/migrate/from-blinker.md": ["blinker"],
    "docs/migrate/from-psygnal.md": ["psygnal"],
    "docs/migrate/from-pydispatcher.md": ["pydispatch"],
    "tests/background/test_commit_hold.py": ["aiosqlite", "sqlalchemy"],
    "tests/background/test_conformance_celery.py": ["celery", "redis"],
    "tests/background/test_apart.py": ["django"],
    "tests/background/test_conformance_django_tasks.py": ["django_tasks_db", "psycopg"],
    "tests/background/test_conformance_dramatiq.py": ["dramatiq", "pika", "redis"],
    "tests/background/test_conformance_taskiq.py": [
        "pika",
        "taskiq",
        "taskiq_aio_pika",
        "taskiq_redis",
    ],
    "tests/background/test_conformance_procrastinate.py": ["procrastinate", "psycopg"],
    "tests/background/test_redis_pool.py": ["redis"],
    "tests/cli": ["rich", "typer"],
    "tests/commit/test_parameters.py": ["wrapt"],
    "tests/commit/test_peewee.py": ["peewee"],
    "tests/docs/test_recipes.py": ["fastapi", "httpx", "redis", "rq", "sqlalchemy"],
    "tests/envelope/test_pydantic_models.py": ["pydantic"],
    "tests/envelope/test_same.py": ["attrs", "msgspec"],
    "tests/envelope/test_trace.py": ["opentelemetry"],
    "tests/envelope/test_typed.py": ["msgspec", "pydantic"],
    "tests/envelope/test_typed_classes.py": ["attrs", "msgspec", "pydantic"],
    "tests/first_time/test_tutorial.py": ["django", "fastapi", "rich", "sqlalchemy", "typer"],
    "tests/integrations/django": ["django"],
    "tests/integrations/procrastinate": ["procrastinate", "psycopg"],
    "tests/integrations/procrastinate/test_connections.py": ["django"],
    "tests/integrations/procrastinate/test_engine.py": ["sqlalchemy"],
    "tests/integrations/procrastinate/test_two_databases.py": ["django", "sqlalchemy"],
    "tests/integrations/celery": ["celery"],
    "tests/integrations/test_engine_losses.py": [
        "celery",
        "redis",
        "rq",
        "taskiq",
        "taskiq_aio_pika",
        "taskiq_redis",
    ],
    "tests/integrations/test_dramatiq.py": ["dramatiq", "pika", "redis"],
    "tests/integrations/taskiq": ["taskiq", "taskiq_aio_pika", "taskiq_redis"],
    "tests/integrations/sqlalchemy": ["sqlalchemy"],
    "tests/integrations/sqlalchemy/outbox/test_notifications.py": [
        "asyncpg",
        "psycopg",
        "rich",
        "typer",
    ],
    "tests/integrations/test_gotchas.py": ["django", "sqlalchemy"],
    "tests/integrations/test_asgi.py": WEB,
    "tests/integrations/test_asgi_cancelled.py": ["trio"],
    "tests/integrations/test_asgi_clients.py": WEB,
    "tests/integrations/test_request_boundaries.py": [*WEB, "sqlalchemy"],
    "tests/integrations/test_request_boundaries_servers.py": [*WEB, "sqlalchemy"],
    "tests/integrations/test_request_boundaries_wsgi.py": [*WEB, "sqlalchemy"],
    "tests/integrations/test_request_signals.py": WEB,
    "tests/integrations/test_web_servers.py": [*WEB, "granian", "hypercorn"],
    "tests/integrations/test_wsgi.py": WEB,
    "tests/integrations/test_settings.py": ["pydantic_settings"],
    "tests/integrations/test_psycopg.py": ["psycopg"],
    "tests/outbox/test_async_pool.py": ["psycopg"],
    "tests/outbox/test_connection.py": ["psycopg", "pymysql"],
    "tests/integrations/test_pymysql.py": ["pymysql"],
    "tests/integrations/test_huey.py": ["huey", "redis"],
    "tests/integrations/test_rq.py": ["rq"],
    "tests/integrations/test_jinja.py": ["jinja2"],
    "tests/integrations/test_alembic.py": ["alembic", "sqlalchemy"],
    "tests/testing/test_engines.py": ["celery"],
    "tests/worker/test_changed_payloads.py": ["msgspec"],
    "tests/worker/test_notifications.py": ["psycopg"],
}
MISSING = sorted({each for needed in NEEDS.values() for each in needed if find_spec(each) is None})

# A block that a page does not run needs no package.
SHOWN_ONLY = re.compile(
    r"^<!-- skip: next [^\n]*-->\n```python\n.*?^```$", re.MULTILINE | re.DOTALL
)

# Fixtures of pytest-django that only tests with these marks or fixtures need. Each of the 30,000
# tests of `make test` would run all of them, for half of pytest's own time.
IDLE = {
    "_dj_autoclear_mailbox",
    "_django_clear_site_cache",
    "_django_isolate_apps",
    "_django_set_urlconf",
    "_live_server_helper",
    "_template_string_if_invalid_marker",
}
NEEDING_THEM = {"django_isolate_apps", "ignore_template_errors", "live_server", "urls"}

collect_ignore = [path for path, needed in NEEDS.items() if not {*MISSING}.isdisjoint(needed)]
pytest_collect_file = PAGES.pytest()


def pytest_report_header() -> list[str]:
    """Report that a part of the suite is skipped."""
    if not MISSING:
        return []
    return [f"skipped, because these packages are not installed: {', '.join(MISSING)}"]


def pytest_configure() -> None:
    """Set up Django, because pyproject.toml must also work without pytest-django."""
    if HAS_DJANGO:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django.settings")
        import django

        django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the pages that need a database, and leave out fixtures that have no effect."""
    for item in items:
        if HAS_DJANGO and isinstance(item, SybilItem) and uses_django(item.example.document):
            item.add_marker("django_db")
        if isinstance(item, pytest.Function) and NEEDING_THEM.isdisjoint(
            [*item.keywords, *item.fixturenames]
        ):
            item.fixturenames = [name for name in item.fixturenames if name not in IDLE]


@pytest.fixture(scope="module", autouse=True)
def _young_heap() -> None:
    """Freeze old objects, so that gc.collect() in tests walks only those of the module."""
    gc.collect()
    gc.freeze()


def imports(text: str) -> set[str]:
    """Return the names of the packages that a page imports, and of the extra that it installs.

    An integration of Clarion counts as its package.
    """
    found = re.findall(
        r"^\s*(?:>>> )?(?:from|import) (?:clarion\.integrations\.)?(\w+)", text, re.MULTILINE
    )
    return {*found, *re.findall(r"pip install '\.\[(\w+)\]'", text)}


def uses_django(document: Document) -> bool:
    """Return whether a page imports Django, or drains all databases, which include Django's."""
    return HAS_DJANGO and ("django" in imports(document.text) or "drain()" in document.text)


@pytest.fixture(scope="module")
def page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Make a page the running program, in a folder of its own, without effects on other pages.

    A page that imports Django gets an empty database. A page that imports a missing package
    is skipped.
    """
    (document,) = request.node.documents
    for missing in imports(SHOWN_ONLY.sub("", document.text)).intersection(MISSING):
        pytest.skip(f"{missing} is not installed")
    with restored(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", document.module)
        patch.chdir(tmp_path_factory.mktemp("page"))
        if uses_django(document):
            yield from database(request)
        else:
            yield
        forget_models(document)


def forget_models(document: Document) -> None:
    """Remove the page's classes from SQLAlchemy, so that the next page can reuse the names."""
    if "sqlalchemy" not in imports(document.text):
        return
    from sqlalchemy.orm import registry

    # By the type, because an unbound proxy such as Flask's `g` has no class to ask for.
    classes = [value for value in document.namespace.values() if issubclass(type(value), type)]
    found = (getattr(value, "registry", None) for value in classes)
    for each in {each for each in found if isinstance(each, registry)}:
        each.dispose()


def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open the test database, and empty it afterwards, because a page commits."""
    pytest.importorskip("django")
    from django.core.management import call_command

    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)
