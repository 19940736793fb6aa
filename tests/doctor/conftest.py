"""Plant faults in packages that are written to files and imported."""

import gc
import sys
from importlib import import_module, invalidate_caches
from itertools import count
from textwrap import dedent

import pytest

from clarion.doctor import examine

_numbers = count()


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Return a function that writes a package, imports some modules of it, and returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    planted = []

    def plant(imports=("",), **files):
        name = f"planted{next(_numbers)}"
        planted.append(name)
        folder = tmp_path / name
        for path, text in {"__init__": "", **files}.items():
            file = folder / f"{path.replace('__in__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).replace("PACKAGE", name))
        invalidate_caches()
        for each in imports:
            import_module(f"{name}.{each}".rstrip("."))
        return name

    yield plant
    for name in [*sys.modules]:
        if name.partition(".")[0] in planted:
            del sys.modules[name]
    gc.collect()


@pytest.fixture
def found(plant, tmp_path):
    """Return a function that plants one module, and returns the findings in its file."""

    def found(text, **files):
        name = plant(["receivers"], receivers=text, **files)
        return [
            each for each in examine([name]) if (each.file or "").startswith(str(tmp_path / name))
        ]

    return found
