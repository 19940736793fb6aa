"""Skip slow tests by default, and share fixtures between folders."""

import ssl
from collections.abc import Iterator

import pytest

from clarion._core import commands
from tests.integrations.django.databases import (
    mariadb_database,
    other_database,
    postgres_database,
)
from tests.reused import Databases
from tests.services import own_postgres

__all__ = ["mariadb_database", "other_database", "postgres_database"]  # fixtures


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests that take long, unless -m selects tests."""
    if config.option.markexpr:
        return
    for item in items:
        for name in ("engines", "slow", "wheel"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"{name}; run it with -m {name}"))


@pytest.fixture(autouse=True, scope="session")
def _commands_of_no_framework() -> None:
    """Let messages name the commands of `clarion`, although the app of Django is installed."""
    commands.forget_programs()


@pytest.fixture(autouse=True, scope="session")
def _no_certificates() -> Iterator[None]:
    """Load no certificates, because PyMySQL would load them for each connection, in 20 ms.

    The servers of the tests are on this machine, and no test checks a certificate.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda self: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _drop_databases() -> Iterator[None]:
    """Drop the databases that the tests have used one after another."""
    yield
    for each in Databases.known:
        each.drop_free()


@pytest.fixture(scope="session")
def preparing_postgres() -> Iterator[str]:
    """Yield the URL of a PostgreSQL with two-phase commits, which are off by default."""
    with own_postgres(max_prepared_transactions=10) as url:
        yield url
