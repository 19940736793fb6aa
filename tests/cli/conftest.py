"""Run commands, in this process and in others, on databases with stored deliveries."""

import logging
import os
import secrets
import sys
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from clarion.cli.app import app
from clarion.outbox import open_database
from tests.house.tree import ROOT, SRC
from tests.outbox.shop import Shop
from tests.services import MARIADB, POSTGRES
from tests.warm import warm_interpreter

# A terminal would obey the first, Rich the second, a browser the third.
HOSTILE = "\x1b[31m[red]<script>\x9b"
SHOWN = r"\x1b[31m[red]<script>\x9b"

# Modules that the command loads from others. A command loads the others itself.
PACKAGES: tuple[str, ...] = ("typer._adapters", "rich.console", "rich.table", "sqlite3")
PACKAGES += ("urllib.request", "pydantic.type_adapter", "pydantic.types", "secrets", "tomllib")
PACKAGES += ("xml.sax",)


@pytest.fixture(autouse=True)
def _log_as_before():
    """Undo what a command in this process sets on the loggers."""
    loggers = [logging.getLogger(name) for name in (None, "clarion")]
    before = [(each, each.level, each.handlers[:]) for each in loggers]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.fixture
def shop(tmp_path):
    """Return an empty outbox in a file of SQLite."""
    return Shop(f"sqlite:///{tmp_path / 'shop.db'}").create()


def execute(connection, statement):
    """Run a statement that is none of the outbox."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    cursor.close()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def any_url(request, tmp_path):
    """Yield the URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'any.db'}"
        return
    name = f"clarion_cli_{secrets.token_hex(6)}"
    service = POSTGRES if request.param == "postgresql" else MARIADB
    kind = "SCHEMA" if request.param == "postgresql" else "DATABASE"
    with closing(open_database(service.url()).connect()) as admin:
        execute(admin, f"CREATE {kind} {name}")
        try:
            if request.param == "postgresql":
                yield f"{service.url()}?options=-csearch_path%3D{name}"
            else:
                yield urlsplit(service.url())._replace(path=f"/{name}").geturl()
        finally:
            execute(admin, f"DROP {kind} {name}" + (" CASCADE" if kind == "SCHEMA" else ""))


@pytest.fixture
def any_shop(any_url):
    """Return an empty outbox on each kind of database."""
    return Shop(any_url).create()


@pytest.fixture
def invoke(monkeypatch):
    """Return a function that runs a command in this process."""
    monkeypatch.delenv("CLARION_DATABASE", raising=False)
    # Typer takes its width from the terminal that runs the tests.
    monkeypatch.setenv("TERMINAL_WIDTH", "80")

    def invoke(*arguments, answer=None, **environment):
        return CliRunner().invoke(app, [str(each) for each in arguments], answer, environment)

    return invoke


@pytest.fixture
def outbox(invoke, shop):
    """Return a function that runs a command of `clarion outbox` on the database `shop`."""

    def outbox(*arguments, **options):
        return invoke("outbox", *arguments, CLARION_DATABASE=shop.url, **options)

    return outbox


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Make an empty directory the current one, and forget the modules of the test."""
    before = {*sys.modules}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in {*sys.modules} - before:
        del sys.modules[name]


def environment_of(folder, **more):
    """Return the environment of another process that runs in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLARION_D")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(SRC), str(ROOT)]), **more}


@pytest.fixture(scope="session")
def warm():
    """Start an interpreter that has loaded the packages of the command."""
    with warm_interpreter(*PACKAGES) as found:
        yield found


@pytest.fixture
def command(tmp_path, warm):
    """Return a function that runs `python -m clarion` in another process."""

    def command(*arguments, **environment):
        environment = environment_of(tmp_path, **environment)
        return warm.run("-m", "clarion", *map(str, arguments), cwd=tmp_path, env=environment)

    return command
