"""The receipts of the shop: by the embedded worker, and by Celery where a Redis answers."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.background.brokers import OwnRedis, free_port
from tests.house.tree import ROOT

for package in ("aiosqlite", "airportsdata", "celery", "fastapi", "httpx", "redis", "uvicorn"):
    pytest.importorskip(package)

PROJECT = ROOT / "examples" / "shop_fastapi"
DEMO = (PROJECT / "demo.py", "--requests=80", "--at-once=20")


@pytest.fixture
def environment(tmp_path):
    """Return the environment of the shop, with a database of its own and no Redis."""
    outside = {name: text for name, text in os.environ.items() if not name.startswith("SHOP_")}
    return {**outside, "SHOP_DATABASE_URL": f"sqlite:////{tmp_path}/shop.sqlite3"}


@pytest.fixture
def redis(tmp_path):
    """Yield a Redis that only this test uses."""
    started = OwnRedis(tmp_path / "redis")
    yield started
    started.close()


def run(environment, *arguments):
    """Run a Python program to its end."""
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@contextmanager
def celery_worker(environment, log):
    """Run a Celery worker of the shop."""
    command = [sys.executable, "-m", "celery", "--workdir", str(PROJECT), "--app", "shop.tasks"]
    command += ["worker", "--concurrency=2", "--loglevel=INFO", "--without-mingle"]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as worker,
    ):
        try:
            while "ready." not in log.read_text():
                assert worker.poll() is None, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            worker.terminate()


def writers_of(done):
    """Return who wrote the receipts, after the demo has found one for each order."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"receipts +│ +[1-9]\d* │ exactly right", done.stdout)
    return re.findall(r"^(.+) wrote [1-9]\d* receipts\.$", done.stdout, re.MULTILINE)


def test_the_embedded_worker_writes_the_receipts(environment):
    """Without a Redis, and the books have one for each order."""
    done = run(environment, *DEMO)
    assert writers_of(done) == ["The embedded worker"]
    assert done.stderr == ""


def test_a_redis_that_does_not_answer_is_reported(environment):
    """And the embedded worker writes the receipts; the password is not shown."""
    url = f"redis://:topsecret@127.0.0.1:{free_port()}/0"
    done = run({**environment, "SHOP_REDIS_URL": url}, *DEMO)
    assert "No Redis answers on 127.0.0.1 (ConnectionError)" in done.stderr
    assert "topsecret" not in done.stderr + done.stdout
    assert writers_of(done) == ["The embedded worker"]


@pytest.mark.service
def test_celery_writes_the_receipts(environment, redis, tmp_path):
    """In a worker process of Celery, where a Redis answers; the books have one for each order."""
    environment["SHOP_REDIS_URL"] = redis.url
    with celery_worker(environment, tmp_path / "celery.log"):
        done = run(environment, *DEMO)
    assert writers_of(done) == ["Celery"]
    assert done.stderr == ""


def test_a_celery_worker_without_a_redis_is_refused(environment):
    """With the variables that it needs."""
    done = run(environment, "-m", "celery", "--workdir", PROJECT, "--app", "shop.tasks", "report")
    assert done.returncode != 0
    assert "Set SHOP_REDIS_URL to a Redis that answers" in done.stderr + done.stdout
