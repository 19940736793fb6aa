"""Log once what an engine loses with its settings, and with the options of its receivers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clarion.background.engine import Engine
    from clarion.background.options import CallOptions

logger = logging.getLogger("clarion.background")


class LossLog:
    """Logs each loss of one engine once.

    Args:
        engine: the engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._has_begun = False
        self._logged: set[str] = set()
        self._lock = new_lock()

    def write(self, options: Iterable[CallOptions]) -> None:
        """Log what was not logged before.

        Args:
            options: the options of receivers.
        """
        found: list[str] = []
        with self._lock:
            if not self._has_begun:
                self._has_begun = True
                found += self._engine.losses()
            for each in options:
                found += self._engine.losses_with(each)
            new = [loss for loss in dict.fromkeys(found) if loss not in self._logged]
            self._logged.update(new)
        for loss in new:
            logger.warning("%s", loss)
