"""A receiver that asks for `changes`."""

from clarion import receiver
from clarion.changes import Changes
from tests.integrations.sqlalchemy.shop import Order


class Asked(list[Changes]):
    """What a receiver was given."""

    def take(self):
        """Return what the last one was given, as a dictionary, and begin anew."""
        found = dict(self.pop())
        self.clear()
        return found


def ask(signal, sender=Order, **options):
    """Connect a receiver that keeps the changes it is given."""
    asked = Asked()

    @receiver(signal, sender=sender, **options)
    def keep(changes, **kwargs):
        asked.append(changes)

    return asked
