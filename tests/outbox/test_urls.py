"""The URLs of databases: what each driver gets, and what is refused without repeating a secret."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from clarion.errors import ArgumentError
from clarion.outbox import open_database
from clarion.outbox.urls import (
    path_cure,
    read_options,
    split_server,
    split_url,
    sqlite_file,
    yes_or_no,
)

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql+psycopg_async://h/d", ("postgresql", "psycopg_async", "//h/d")),
        (" MySQL://h/d\n", ("mysql", "", "//h/d")),
        ("sqlite+aiosqlite:///a.db", ("sqlite", "aiosqlite", "///a.db")),
        ("outbox.db", ("", "", "outbox.db")),
    ],
)
def test_a_driver_is_split_off(url, parts):
    """The scheme is in lower case, and a driver may have an underscore, as in SQLAlchemy."""
    assert split_url(url) == parts


def test_the_parts_of_a_server_are_decoded():
    """User, password and database may have escaped characters."""
    server = split_server("//a%40b:p%2Fw%25@[::1]:3307/my%20shop?charset=utf8&x=")
    assert server == ("::1", 3307, "a@b", "p/w%", "my shop", {"charset": "utf8", "x": ""})
    assert split_server("///d") == (None, None, None, None, "d", {})


@pytest.mark.parametrize(
    "rest", [f"//u:a/{SECRET}@h/d", f"//u:{SECRET}#x@h/d", f"//u@h:{SECRET}/d", f"u:{SECRET}@h/d"]
)
def test_a_password_that_is_not_escaped_is_not_repeated(rest):
    """A character that ends the password too early is refused, with its escape."""
    with pytest.raises(ArgumentError, match="write @ as %40, / as %2F") as caught:
        split_server(rest)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("character", "@:/?#[]% &+=,;é")
def test_the_cure_works_for_each_character(character):
    """The message names the function that escapes them."""
    with pytest.raises(ArgumentError, match=r"as urllib\.parse\.quote\(text, safe=''\) does"):
        split_server("u@h")
    server = split_server(f"//u:{quote(f'a{character}b', safe='')}@h/d")
    assert server.password == f"a{character}b"


def test_a_file_of_sqlite():
    """The path of a file may have a hash and escaped characters, and options follow it."""
    assert sqlite_file("///a#b%20c.db?timeout=5") == ("a#b c.db", {"timeout": "5"})
    assert sqlite_file("////var/a.db") == ("/var/a.db", {})


def test_a_database_in_memory_is_refused():
    """Each connection would have its own, so a worker would find no tables."""
    with pytest.raises(ArgumentError, match="which each connection has for itself"):
        open_database("sqlite:///:memory:")


@pytest.mark.parametrize(
    ("url", "option"),
    [
        ("sqlite:///a.db?mode=ro", "mode"),
        *(
            (f"sqlite:///a.db?timeout={each}", "timeout")
            for each in ("long", "-1", "nan", "inf", "1e9")
        ),
    ],
)
def test_an_option_is_not_ignored(url, option):
    """An option that is unknown, or has a wrong value, is named."""
    with pytest.raises(ArgumentError, match=f"option '{option}'"):
        open_database(url)


def test_the_options_of_sqlite(tmp_path):
    """A timeout reaches SQLite, in milliseconds there; a connection serves any thread anyway."""
    url = f"sqlite:///{tmp_path}/a.db?timeout=1.5&check_same_thread=False"
    database: Any = open_database(url)
    connection = database.connect()
    assert connection.connection.execute("PRAGMA busy_timeout").fetchone() == (1500,)
    connection.close()


def test_options_are_read():
    """Each option is read by its function."""
    assert read_options({"a": "No", "b": "7"}, {"a": yes_or_no, "b": int}) == {"a": False, "b": 7}
    with pytest.raises(ArgumentError, match="a wrong value of the option 'a'"):
        read_options({"a": "perhaps"}, {"a": yes_or_no})


def test_a_path_that_cannot_be_opened_has_a_reason(tmp_path):
    """A directory, and a file in none, are named; elsewhere nothing is wrong."""
    (tmp_path / "file").touch()
    for path, reason in [
        (tmp_path, f"'{tmp_path}' is a directory: name a file in it."),
        (
            tmp_path / "gone" / "shop.db",
            f"The directory '{tmp_path / 'gone'}' does not exist: create it",
        ),
        (
            tmp_path / "file" / "shop.db",
            f"The directory '{tmp_path / 'file'}' does not exist: create it",
        ),
    ]:
        assert (path_cure(path) or "").startswith(reason)
    assert path_cure(tmp_path / "shop.db") is None


def test_a_directory_that_is_forbidden_is_named(tmp_path, monkeypatch):
    """A user without rights reads which directory needs them, also if it cannot be looked into."""

    def fail(self):
        raise PermissionError

    cure = f"Let the user of this process write to the directory '{tmp_path}'"
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    assert (path_cure(tmp_path / "shop.db") or "").startswith(cure)
    monkeypatch.setattr(Path, "is_dir", fail)
    assert (path_cure(tmp_path / "shop.db") or "").startswith(cure)
