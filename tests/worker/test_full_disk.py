"""A full disk loses nothing: the cure is said, and the worker continues when there is space."""

import os
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clarion import durable
from clarion.outbox import use_database
from clarion.outbox.notes import FULL_CURE
from clarion.worker import Worker
from tests.services import own_mariadb
from tests.worker.altered import altered
from tests.worker.altered import execute as run
from tests.worker.stage import Stage, note, until

LEASE = 0.5  # seconds
SENDS = 200


class SqliteDisk:
    """A file of SQLite that may not grow.

    Args:
        url: the URL of the file.

    Attributes:
        size: how many characters a receiver writes.
        text: how many characters a send has that finds the disk full.
    """

    size = 5_000
    text = 50_000

    def __init__(self, url):
        self.stage = Stage(url)
        self.is_full = False
        self.database = altered(self.stage.database, self._limit)

    def _limit(self, connection):
        if self.is_full:
            pages = run(connection, "PRAGMA page_count")[0][0]
            run(connection, f"PRAGMA max_page_count = {pages}")

    def fill(self):
        """Let no connection that is opened from now on add a page."""
        self.is_full = True

    def free(self):
        """Let the file grow again."""
        self.is_full = False
        self.database.close_idle()


@contextmanager
def sqlite(request, tmp_path):
    """Yield a file of SQLite."""
    yield SqliteDisk(f"sqlite:///{tmp_path}/outbox.db")


class SmallDisk:
    """The tables of a server on a disk of a few megabytes.

    Args:
        url: a URL whose tables are there.
        disk: the folder where the disk is mounted.
    """

    size = 50
    text = 50_000

    def __init__(self, url, disk):
        self.stage = Stage(url)
        self.database = self.stage.database
        self._ballast = disk / "ballast"

    def fill(self):
        """Write a file until the disk is full."""
        with self._ballast.open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                return

    def free(self):
        """Remove the file."""
        self._ballast.unlink()


@contextmanager
def postgresql(request, tmp_path):
    """Yield a tablespace on a disk of its own, which only root can mount."""
    psycopg = pytest.importorskip("psycopg")
    url = request.getfixturevalue("preparing_postgres")
    # Not `tmp_path`, which the user of the server cannot read.
    disk = Path(tempfile.mkdtemp(prefix="clarion-disk-"))
    with mounted(disk, "4m"), closing(psycopg.connect(url, autocommit=True)) as admin:
        (disk / "data").mkdir()
        shutil.chown(disk / "data", "postgres")
        admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}/data'")
        try:
            yield SmallDisk(f"{url}?options=-cdefault_tablespace%3Dsmall", disk)
        finally:
            for (table,) in admin.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall():
                admin.execute(f"DROP TABLE {table}")
            admin.execute("DROP TABLESPACE small")
    disk.rmdir()


@contextmanager
def mariadb(request, tmp_path):
    """Yield a database of a MariaDB of its own, whose tables are on a small disk."""
    pymysql = pytest.importorskip("pymysql")
    with own_mariadb(tmp_path) as url:
        parts = urlsplit(url)
        with closing(pymysql.connect(host=parts.hostname, port=parts.port, user="root")) as admin:
            admin.cursor().execute("CREATE DATABASE small")
        disk = tmp_path / "data" / "small"
        with mounted(disk, "8m"):
            found = SmallDisk(f"{url}/small", disk)
            found.text = 500  # a MariaDB that cannot roll back a long value ends itself
            yield found


@contextmanager
def mounted(folder, size):
    """Mount a small disk, which only root can do."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine cannot mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)  # noqa: S607


@pytest.fixture(
    params=[
        sqlite,
        pytest.param(postgresql, marks=pytest.mark.service),
        pytest.param(mariadb, marks=pytest.mark.service),
    ],
    ids=lambda each: each.__name__,
)
def disk(request, tmp_path):
    """Yield an outbox on a disk that can be filled."""
    with request.param(request, tmp_path) as found:
        yield found


def test_a_full_disk_loses_nothing(disk, paid, logged):
    """The send is refused, and what the worker could not write is written when there is space."""
    stage = disk.stage

    @paid.connect(delivery=durable(name="same", effects="same database", backoff=0.0))
    def receive(sender, n, connection, **kwargs):
        note(connection, "same", "x" * disk.size, n)

    stage.send(paid, [{"n": n, "text": "x" * 500} for n in range(SENDS)])
    disk.fill()
    before = use_database(disk.database)
    sent = SENDS
    try:
        with pytest.raises(Exception, match=r"(?i)full|no space left") as error:
            for sent in range(SENDS, 2 * SENDS):
                paid.send(None, n=sent, text="x" * disk.text)
        assert FULL_CURE in error.value.__notes__
        # No receiver was called.
        assert error.value.__notes__[-1].startswith("Raised by the delivery of receiver ")
    finally:
        use_database(before)
    with Worker(disk.database, lease=LEASE) as running:
        until(lambda: FULL_CURE in logged.text)
        disk.free()
        running.wake()
        until(lambda: stage.waiting() == (0, 0))
    assert stage.counted("same") == dict.fromkeys(range(sent), 1)


def test_the_failure_of_a_receiver_names_the_cure_too(paid, sqlite_stage, logged):
    """It may have filled the disk itself."""

    @paid.connect(delivery=durable(name="full", retries=0))
    def receive(sender, connection, **kwargs):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        note(connection, "full", "x" * 100_000, 1)

    sqlite_stage.send(paid, [{}])
    assert Worker(sqlite_stage.database).drain()["dead"] == 1
    assert FULL_CURE in logged.text
    (dead,) = sqlite_stage.dead()
    assert FULL_CURE in dead.error
