"""Fixtures of the tests of engines."""

import sqlite3

import pytest

from tests.background.recorder import Recorder


@pytest.fixture
def recorder():
    """Return an engine that keeps the calls."""
    return Recorder()


@pytest.fixture
def connection():
    """Yield a connection to an empty database."""
    opened = sqlite3.connect(":memory:")
    yield opened
    opened.close()


@pytest.fixture(scope="class")
def stage(request, tmp_path_factory):
    """Yield the engine of a conformance suite with one worker."""
    found = request.cls.stage_class(tmp_path_factory.mktemp("stage"))
    try:
        found.start_worker()
        yield found
    finally:
        found.close()
