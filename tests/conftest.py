"""What takes long is left out, unless somebody asks for it; and a server that many may use."""

from collections.abc import Iterator

import pytest

from tests.integrations.django.databases import other_database, postgres_database
from tests.services import own_postgres

__all__ = ["other_database", "postgres_database"]  # for whoever asks for them


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked as slow, unless a choice by markers was made."""
    if config.option.markexpr:
        return
    for item in items:
        for name in ("slow", "wheel"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"{name}; run it with -m {name}"))


@pytest.fixture(scope="session")
def preparing_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that takes two-phase commits, as an ordinary one does not."""
    with own_postgres(max_prepared_transactions=10) as url:
        yield url
