"""The name of the program's main module in other processes.

A signal of `shop.py` is `__main__.order_paid` if the file is run, and `shop.order_paid` if a worker imports
it. The stored rows have the name of the import.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from clarion._core.main_copy import MAIN
from clarion._core.names import signal_name
from clarion._core.tabled import table_of

if TYPE_CHECKING:
    from clarion._core.signal import Signal


def importable(module: str) -> str:
    """Return the name by which another process imports a module.

    Args:
        module: the name that the module has in this process.

    Returns:
        the same name, but that of `python -m NAME`, or of the file, for the main module. A main module without
        a file, as in a shell, keeps its name.
    """
    if module not in MAIN:
        return module
    main = sys.modules.get("__main__")
    if (spec := getattr(main, "__spec__", None)) is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return _stem(file) if isinstance(file, str) else module


@cache  # each send needs the name
def _stem(file: str) -> str:
    return Path(file).stem


def stored_signal_name(signal: Signal) -> str:
    """Return the name of a signal as stored rows have it."""
    name = table_of(signal).name or signal_name(signal)
    if not name.startswith("__"):
        return name
    module, dot, attribute = name.partition(".")
    return f"{importable(module)}{dot}{attribute}" if module in MAIN else name
