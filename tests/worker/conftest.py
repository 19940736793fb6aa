"""Fixtures of the tests of workers."""

import logging

import pytest

from clarion import Signal
from clarion.testing import restored
from tests.worker.stage import PLACES, Stage


def opened(stage):
    """Yield a stage, and close what its database keeps open."""
    try:
        yield stage
    finally:
        stage.database.close_idle()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def stage(request, tmp_path):
    """Yield an empty outbox on each kind of database."""
    with PLACES[request.param](tmp_path) as url:
        yield from opened(Stage(url))


@pytest.fixture
def paid():
    """Return a signal; what the test connects is undone."""
    with restored():
        yield Signal(name="scenario.receivers")


@pytest.fixture
def sqlite_stage(tmp_path):
    """Yield an empty outbox in a file of SQLite."""
    with PLACES["sqlite"](tmp_path) as url:
        yield from opened(Stage(url))


@pytest.fixture(
    params=[
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def server_stage(request, tmp_path):
    """Yield an empty outbox on each kind of server."""
    with PLACES[request.param](tmp_path) as url:
        yield from opened(Stage(url))


@pytest.fixture
def logged(caplog):
    """Return what the worker logs."""
    caplog.set_level(logging.INFO, "clarion.worker")
    return caplog
