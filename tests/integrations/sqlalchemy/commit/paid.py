"""The signal that these tests send, and an error that rolls a block back."""

from clarion import Signal

paid = Signal()


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""
