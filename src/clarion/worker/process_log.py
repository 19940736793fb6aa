"""The log of a process that runs a worker, if the program has set up none."""

from __future__ import annotations

import logging
import sys

from clarion._core.printable import safe_lines


def log_to_stderr() -> None:
    """Log to standard error, unless the program has set up its own log."""
    if not logging.getLogger("clarion.worker").hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        logging.getLogger("clarion").setLevel(logging.INFO)


class SafeFormatter(logging.Formatter):
    """Formats a record without the control characters in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return safe_lines(super().format(record))
