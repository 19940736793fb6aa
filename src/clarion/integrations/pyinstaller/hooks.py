"""Which modules a bundled program needs, for all hooks of PyInstaller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clarion.commit.providers import FRAMEWORKS

_HERE = Path(__file__).parent


def hook_dirs() -> list[str]:
    """Return the folders with hooks, for the entry point `hook-dirs`."""
    return [str(_HERE)]


def add_integrations(api: Any) -> None:
    """Bundle the integrations with the frameworks that the program contains.

    Call it from the hook of Clarion and of each framework, because either may be found last.

    Args:
        api: the `PostGraphAPI` that PyInstaller gives to a hook.
    """
    if _contains(api.graph, "clarion"):
        for framework, provider in FRAMEWORKS.items():
            if _contains(api.graph, framework):
                # All of it, because Django imports the app and its command by name.
                api.add_imports(*_modules_of(provider.split(".")[2]))


def _contains(graph: Any, module: str) -> bool:
    # A module that is missing, or that the user excludes, has a node without a file.
    node = graph.find_node(module)
    return node is not None and bool(node.filename)


def _modules_of(integration: str) -> list[str]:
    """Return the names of an integration and of all modules in it."""
    root = _HERE.parent
    paths = (path.relative_to(root).with_suffix("") for path in (root / integration).rglob("*.py"))
    parts = (path.parent.parts if path.name == "__init__" else path.parts for path in paths)
    return sorted(".".join(["clarion", "integrations", *each]) for each in parts)
