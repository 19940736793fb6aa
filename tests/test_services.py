"""A test whose server is missing is skipped, or fails if services are required."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.services import Service, answers, own_postgres

UNUSED = "http://127.0.0.1:1/"


@pytest.fixture
def service():
    return Service("Nothing", "CLARION_NOTHING_URL", UNUSED, "start nothing")


def test_without_a_server_a_test_is_skipped(service, monkeypatch):
    """The reason of the skip has the URL of the server and the command that starts one."""
    monkeypatch.delenv("CLARION_REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no Nothing answers at .*start nothing"):
        service.url()


def test_a_required_server_fails_the_test(service, monkeypatch):
    """With CLARION_REQUIRE_SERVICES=1 the test fails."""
    monkeypatch.setenv("CLARION_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="start nothing"):
        service.url()


def test_the_environment_has_the_url(service, monkeypatch):
    """The environment variable overrides the default URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setenv("CLARION_NOTHING_URL", url)
        assert service.url() == url


def test_a_separate_postgres(preparing_postgres):
    """A PostgreSQL of the test's own responds on another port than the default."""
    assert answers(preparing_postgres)
    assert ":5432/" not in preparing_postgres


def test_without_its_programs_the_test_is_skipped(monkeypatch):
    """Without the programs of PostgreSQL the test is skipped with the reason."""

    def nowhere(self, pattern):
        return iter(())

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(Path, "glob", nowhere)
    with pytest.raises(pytest.skip.Exception, match="no initdb and pg_ctl"), own_postgres():
        pass
