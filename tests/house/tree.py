"""The source tree, as the tests of the house walk it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
MODULES = sorted((SRC / "clarion").rglob("*.py"))
ROOMS = {path.relative_to(SRC / "clarion").parts[0].removesuffix(".py") for path in MODULES}
ROOMS -= {"__init__", "__main__"}


def name_of(path: Path) -> str:
    """Give the dotted name of a module of ours, which serves as a test's id too."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
