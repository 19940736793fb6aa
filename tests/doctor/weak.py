"""A signal of a framework, which holds its receivers weakly as Django's do."""

from typing import Any, cast

from clarion._core import registry
from clarion._core.signal import Signal
from clarion._core.table import Table
from clarion._core.tabled import Tabled


class FrameworkSignal(Tabled):
    """A signal that is none of Clarion's class, with a table of Clarion's."""

    __slots__ = ("__weakref__",)

    def __init__(self):
        self._table = Table("framework.saved")
        registry.add(cast("Any", self))

    def connect(self, receiver, sender=None, weak=True, dispatch_uid=None, **options):
        """Connect a receiver, by default weakly."""
        return Signal.connect(cast("Any", self), receiver, sender, weak, dispatch_uid, **options)

    disconnect = Signal.disconnect


saved = FrameworkSignal()
