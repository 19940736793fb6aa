"""What takes long is left out, unless somebody asks for it."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked as slow, unless a choice by markers was made."""
    if config.option.markexpr:
        return
    for item in items:
        for name in ("slow", "wheel"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"{name}; run it with -m {name}"))
