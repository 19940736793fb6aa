"""`clarion outbox create`."""

import json
from contextlib import closing

import pytest

from clarion.outbox import open_database


@pytest.mark.parametrize("way", ["argument", "option", "environment"])
def test_the_tables_are_created(invoke, any_url, way):
    """The tables are created on each kind of database, and a second time is no error."""
    arguments = {"argument": [any_url], "option": ["--database", any_url]}.get(way, [])
    environment = {"CLARION_DATABASE": any_url} if way == "environment" else {}
    for _ in range(2):
        done = invoke("outbox", "create", *arguments, **environment)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("The tables of the outbox are in ")
    assert invoke("outbox", "status", "-d", any_url).exit_code == 0


def test_the_argument_is_preferred(invoke, tmp_path):
    """The database of the argument is used, even if the environment names another one."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    done = invoke("outbox", "create", url, "--json", CLARION_DATABASE="sqlite:///gone/b.db")
    assert json.loads(done.stdout) == {"database": "the SQLite file 'a.db'", "version": 1}
    with closing(open_database(url).connect()) as connection:
        assert connection.rows("read_version") == [(1,)]


def test_notifications_are_created(invoke, any_url):
    """With --notify PostgreSQL gets its trigger, also where the tables exist; others ignore it."""
    for option in ([], ["--notify"]):
        assert invoke("outbox", "create", any_url, *option).exit_code == 0
        with closing(open_database(any_url).connect()) as connection:
            if connection.dialect == "postgresql":
                names = {row[0] for row in connection.rows("existing")}
                assert ("clarion_notify" in names) == bool(option)


def test_without_a_database_the_cure_is_named(invoke):
    """Without a database the message has an example."""
    done = invoke("outbox", "create")
    assert done.exit_code == 2
    assert "such as sqlite:///outbox.db, with --database, or in the variable" in done.stderr


def test_another_version_is_refused(invoke, shop):
    """Tables of another version are refused in one sentence."""
    with shop.database.connect().connection as raw:
        raw.execute("UPDATE clarion_meta SET value = 9")
        raw.commit()
    raw.close()
    done = invoke("outbox", "create", shop.url)
    assert done.exit_code == 2
    assert "Upgrade Clarion" in done.stderr
