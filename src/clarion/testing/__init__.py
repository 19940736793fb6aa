"""For tests: see what is sent, assert it, mute what is in the way.

What is here may watch every room and is imported by none: nothing of it costs
anything until a test uses it.
"""

from clarion.testing.assertions import assert_sent
from clarion.testing.capture import Capture, Sent, capture
from clarion.testing.commits import commits
from clarion.testing.mute import muted
from clarion.testing.reset import restored

__all__ = ["Capture", "Sent", "assert_sent", "capture", "commits", "muted", "restored"]
