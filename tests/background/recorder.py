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


class Within(Recorder):
    """Writes calls on the connection of the send."""

    in_transaction = True

    def __init__(self, connection):
        super().__init__()
        self.connection = connection

    def enqueue_in(self, call, connection):
        if connection is not self.connection:
            return False
        connection.execute("INSERT INTO jobs (receiver) VALUES (?)", [call.receiver])
        return True
