"""An engine that keeps its calls in a list, for tests that need no worker."""

from clarion.background import Engine


class Recorder(Engine):
    """Keeps the calls, or raises the error that it was given."""

    name = "the recorder"

    def __init__(self, error=None):
        self.calls = []
        self.error = error
        self.said = []
        self.refused = 0

    def enqueue(self, call):
        if self.error is not None:
            self.refused += 1
            raise self.error
        self.calls.append(call)

    def losses(self):
        return self.said
