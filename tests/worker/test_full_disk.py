"""A full disk loses nothing: the cure is said, and the worker continues when there is space."""

import os
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from clarion import durable
from clarion.outbox import use_database
from clarion.outbox.notes import FULL_CURE
from clarion.worker import Worker
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
    """

    size = 5_000

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


class PostgresDisk:
    """A tablespace of PostgreSQL on a disk of four megabytes.

    Args:
        url: a URL whose tables are there.
        disk: the folder where the disk is mounted.
    """

    size = 50

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
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", str(disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine cannot mount a small disk")
    try:
        (disk / "data").mkdir()
        shutil.chown(disk / "data", "postgres")
        with closing(psycopg.connect(url, autocommit=True)) as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}/data'")
            try:
                yield PostgresDisk(f"{url}?options=-cdefault_tablespace%3Dsmall", disk)
            finally:
                for (table,) in admin.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                ).fetchall():
                    admin.execute(f"DROP TABLE {table}")
                admin.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", disk], check=False)  # noqa: S607
        disk.rmdir()


@pytest.fixture(
    params=[
        sqlite,
        pytest.param(postgresql, marks=pytest.mark.service),
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
                paid.send(None, n=sent, text="x" * 50_000)
        assert FULL_CURE in error.value.__notes__
    finally:
        use_database(before)
    with Worker(disk.database, lease=LEASE) as running:
        until(lambda: FULL_CURE in logged.text)
        disk.free()
        running.wake()
        until(lambda: stage.waiting() == (0, 0))
    assert stage.counted("same") == dict.fromkeys(range(sent), 1)
