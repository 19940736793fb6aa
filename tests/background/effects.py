"""The file to which receivers of the tests write what they did."""

import json
import time


class Effects:
    """The file of effects.

    Args:
        path: the file.
    """

    VARIABLE = "CLARION_TEST_EFFECTS"

    def __init__(self, path):
        self.path = path

    def all(self):
        """Return the effects, in the order in which they were written."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def of(self, receiver, name=None):
        """Return the effects of a receiver, by the name in the send if given."""
        return [
            each
            for each in self.all()
            if each["receiver"] == receiver and name in {None, each["name"]}
        ]

    def wait_for(self, receiver, name=None, *, count=1, seconds=60.0):
        """Return the effects of a receiver once there are so many; fail if that takes too long."""
        deadline = time.monotonic() + seconds
        while len(found := self.of(receiver, name)) < count:
            assert time.monotonic() < deadline, f"{receiver} was not called: {self.all()}"
            time.sleep(0.02)
        return found
