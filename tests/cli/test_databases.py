"""The database of a command, and its errors in one sentence."""

import os
import re
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from clarion.cli.databases import failures_of, find_database, import_database, opened
from clarion.cli.failures import CommandError
from clarion.errors import ArgumentError, ClarionError
from clarion.outbox import open_database
from clarion.outbox.tables import TablesError
from clarion.testing import restored
from clarion.worker import answer

SECRET = "hunter2"


@pytest.fixture
def closed_port():
    """Return a port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_a_database_is_opened(any_shop):
    """A URL leads to a database and a connection, on each kind of database."""
    with opened(any_shop.url) as (database, connection):
        assert database.dialect == any_shop.database.dialect
        assert connection.rows("read_version")


def test_without_its_driver_a_url_is_refused(monkeypatch):
    """The message names the extra, and the object of a program that has another driver."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for module in [each for each in sys.modules if each.startswith("clarion.integrations.psycopg")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(CommandError) as caught:
        find_database("postgresql+asyncpg://ada@localhost/shop")
    pip, program = str(caught.value).splitlines()
    assert pip.endswith("pip install '.[psycopg]'")
    assert program.endswith("--database shop.db:database")


def test_missing_tables_are_one_sentence(any_url):
    """Missing tables are refused with the command that creates them."""
    with (
        opened(any_url, is_new=True),
        pytest.raises(TablesError, match="clarion outbox create"),
        opened(any_url),
    ):
        pass


def test_a_missing_file_is_not_created(tmp_path):
    """A misspelt path creates no file."""
    with pytest.raises(
        CommandError, match=r"There is no SQLite file 'typo\.db'\. Correct the path"
    ):
        opened(f"sqlite:///{tmp_path / 'typo.db'}").__enter__()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_does_not_answer_is_one_sentence(scheme, closed_port):
    """A server that is not reachable is one sentence, and the password is not in it."""
    url = f"{scheme}://ada:{SECRET}@127.0.0.1:{closed_port}/shop"
    with pytest.raises(CommandError, match=r"database 'shop' cannot be used: .*\. Check") as caught:
        opened(url).__enter__()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["outbox", "status"],
        ["doctor", "json"],
        ["work", "cliserver", "--drain"],
        ["work", "cliserver"],
    ],
    ids=" ".join,
)
def test_a_server_that_accepts_and_never_answers(invoke, scheme, arguments, monkeypatch, tmp_path):
    """Each command ends after some seconds with one sentence and the exit code 2."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "cliserver", ModuleType("cliserver"))
    monkeypatch.delitem(sys.modules, "cliserver")  # it is removed again after the test
    (tmp_path / "cliserver.py").write_text(
        "from clarion import Signal, durable, receiver\n"
        "served = Signal(name='shop.served')\n"
        "@receiver(served, delivery=durable(name='shop:served'))\n"
        "def serve(sender, **kwargs): ...\n"
    )
    monkeypatch.setattr(answer, "SECONDS", 0.2)
    with restored(), socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://ada:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/shop"
        done = invoke(*arguments, "-d", url)
    assert done.exit_code == 2
    last = done.stderr.splitlines()[-1]
    assert "cannot be used: the database has not answered for 0.2 seconds. Check" in last


@pytest.mark.service
def test_a_wrong_database_is_one_sentence(any_url):
    """A database that does not exist is one sentence."""
    if any_url.startswith("sqlite"):
        pytest.skip("a file is created")
    url = any_url.partition("?")[0].rpartition("/")[0] + "/clarion_gone"
    with pytest.raises(CommandError, match=r"clarion_gone.* cannot be used"):
        opened(url).__enter__()


def test_a_file_that_is_no_database_is_one_sentence(tmp_path):
    """A file of another kind, and a directory, are refused."""
    (tmp_path / "text.db").write_text("no database " * 100)
    for name in ("text.db", "."):
        with pytest.raises(ClarionError) as caught:
            opened(f"sqlite:///{tmp_path / name}").__enter__()
        assert str(caught.value).count(". ") <= 1


def test_a_path_that_cannot_be_opened_is_one_sentence(invoke, tmp_path):
    """A directory, and a file in a directory that does not exist, are refused with the reason."""
    done = invoke("outbox", "status", f"sqlite:///{tmp_path}")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.endswith("is a directory: name a file in it.\n")
    done = invoke("outbox", "create", f"sqlite:///{tmp_path}/gone/shop.db")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "cannot be used: unable to open database file. The directory" in done.stderr


def test_a_directory_that_may_not_be_read_is_one_sentence(invoke, tmp_path, monkeypatch):
    """A user without rights reads which directory needs them."""

    def fail(self, **_):
        raise PermissionError(13, "Permission denied")

    for method in ("exists", "is_dir"):
        monkeypatch.setattr(Path, method, fail)
    monkeypatch.setattr(os, "access", lambda *_: False)
    done = invoke("outbox", "status", f"sqlite:///{tmp_path}/private/shop.db")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert f"process write to the directory '{tmp_path}/private'" in done.stderr


@pytest.mark.parametrize(
    "url",
    ["", "shop.db", "ftp://a/b", "sqlite://shop.db", "postgresql://a:b:c@[/x", "mysql://a:x/y"],
)
def test_a_wrong_url_is_one_sentence(url):
    """Text that is no URL of a database is refused with an example."""
    with pytest.raises(ClarionError, match=r"sqlite:///outbox\.db"):
        opened(url).__enter__()


def test_a_missing_driver_is_one_sentence(monkeypatch):
    """Without the driver the sentence has the line that installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "clarion.integrations.psycopg", raising=False)
    with pytest.raises(ClarionError, match=r"pip install 'clarion-signals\[psycopg\]'"):
        find_database("postgresql://host/shop")


@pytest.mark.parametrize(
    "message",
    ["password hunter2 is wrong", "option per%20haps=x", "option per haps", ""],
)
def test_a_message_with_a_secret_is_not_printed(message):
    """If the driver's message has a part of the URL that is secret, its type is printed."""
    url = "postgresql://ada:hunter2@host/shop?options=per%20haps"
    error = sqlite3.OperationalError(message)
    with (
        pytest.raises(CommandError) as caught,
        failures_of(open_database("sqlite:///a.db"), url),
    ):
        raise error
    shown = "option per%20haps=x" if "%20" in message else "OperationalError"
    assert f"cannot be used: {shown}. Check" in str(caught.value)


def test_other_errors_are_not_hidden():
    """An error that no database has raised keeps its type."""
    with (
        pytest.raises(ZeroDivisionError),
        failures_of(open_database("sqlite:///a.db"), "sqlite:///a.db"),
    ):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("statement", "cure"),
    [
        ("SELECT * FROM clarion_nothing", "Create them with `clarion outbox create`"),
        ("PRAGMA query_only = ON; CREATE TABLE t (x)", "that is read only. Use one"),
        ("nonsense", "Check the path, the rights of the user, and the space on the disk."),
    ],
)
def test_a_known_error_has_its_own_cure(statement, cure):
    """The sentence ends with what to do about this error; SQLite has no server to check."""
    connection = sqlite3.connect(":memory:")
    with (
        pytest.raises(CommandError, match=re.escape(cure)),
        failures_of(open_database("sqlite:///a.db"), "sqlite:///a.db"),
        closing(connection),
    ):
        for each in statement.split("; "):
            connection.execute(each)


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("sqlite:shop.db", "For a relative path, write three slashes."),
        ("SQLite:shop.db", "Give one such as 'sqlite:///outbox.db'"),
        ("postgresql:shop", "or 'postgresql://user@host/database'"),
    ],
)
def test_a_url_without_its_slashes_is_no_reference(here, url, cure):
    """A URL that looks like `module:object` gets the cure of a URL."""
    with pytest.raises(ArgumentError, match=cure):
        import_database(url)


def test_a_module_may_have_the_name_of_a_scheme(here):
    """The user's own module of that name is imported."""
    here.joinpath("mysql.py").write_text(
        "class shop:\n    connect = transaction = dialect = None\n"
    )
    assert import_database("mysql:shop").dialect is None


def test_a_database_is_found_by_its_object(here):
    """`module:object` names a database."""
    (here / "clishop_db.py").write_text(
        "from clarion.outbox import open_database\n"
        "class settings:\n    database = open_database('sqlite:///a.db')\n"
    )
    assert import_database("clishop_db:settings.database").dialect == "sqlite"


@pytest.mark.parametrize("path", ["gone", "settings", "gone.deeper"])
def test_another_object_is_no_database(here, path):
    """An object that is missing, or is no database, is refused."""
    (here / "clishop_not.py").write_text("settings = 1")
    with pytest.raises(CommandError, match=r"is no database of an outbox\. Name an object"):
        import_database(f"clishop_not:{path}")
