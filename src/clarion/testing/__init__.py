"""For tests: capture and assert sends, mute receivers, restore connections.

In reading order: `capture`, `equality`, `assertions` and `mute`. Then `callers`, `change_log` and
`reset`, which restore connections. Then `commits`, and `plugin` for pytest.
These modules may import every package. No package imports them, so they cost nothing outside
tests. Never put here: code that a program uses outside its tests.
"""

from clarion.testing.assertions import assert_sent
from clarion.testing.capture import Capture, Sent, capture
from clarion.testing.commits import commits
from clarion.testing.mute import muted
from clarion.testing.reset import restored

__all__ = ["Capture", "Sent", "assert_sent", "capture", "commits", "muted", "restored"]
