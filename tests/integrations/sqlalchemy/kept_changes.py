"""A receiver that requests `changes` and keeps them."""

from clarion import receiver
from clarion.changes import Changes
from tests.integrations.sqlalchemy.shop import Order


class KeptChanges(list[Changes]):
    """The changes that a receiver was called with, in order."""

    def take(self):
        """Return the last changes as a dictionary, and forget all."""
        found = dict(self.pop())
        self.clear()
        return found


def keep_changes(signal, sender=Order, **options):
    """Connect a receiver that keeps the changes of its calls."""
    kept = KeptChanges()

    @receiver(signal, sender=sender, **options)
    def keep(changes, **kwargs):
        kept.append(changes)

    return kept
