"""Receivers that run after the commit of a peewee database: an integration from the outside.

docs/how-to/write-an-integration.md shows these parts.
"""

# mypy: disable-error-code="attr-defined"
# (mypy narrows no type to Model where peewee is not installed.)

from threading import local
from weakref import ref

from peewee import Model

from clarion.commit import Boundary, TransactionProvider, drop_calls, register_provider, run_calls


class WaitingCalls:
    """The calls of one transaction. Only peewee references it, and drops it at a rollback."""

    def __init__(self):
        self.calls = []
        self.is_over = False

    def __call__(self):
        self.is_over = True
        calls, self.calls = self.calls, []
        run_calls(calls)

    def __del__(self):
        drop_calls(self.calls)


class PeeweeBoundary(Boundary):
    """The transactions of one peewee database."""

    def __init__(self, database, alias):
        self.name = f"the peewee database {alias!r}"
        self.database = database
        self._local = local()  # peewee has a connection for each thread
        self._make_savepoint = database.savepoint
        database.savepoint = self._savepoint

    def is_open(self):
        return self.database.in_transaction()

    def add_call(self, call):
        waiting = self._waiting()
        if waiting is None:
            waiting = WaitingCalls()
            self.database.after_commit(waiting)
            self._local.waiting = ref(waiting)
        waiting.calls.append(call)

    def _waiting(self):
        """Return the waiting calls of the open transaction, or None."""
        waiting = getattr(self._local, "waiting", lambda: None)()
        return None if waiting is None or waiting.is_over else waiting

    def _savepoint(self):
        """Make a savepoint whose rollback drops the calls added since it was made."""
        savepoint = self._make_savepoint()
        roll_back, waiting = savepoint.rollback, self._waiting()
        first = 0 if waiting is None else len(waiting.calls)

        def rollback(*args, **kwargs):
            waiting = self._waiting()
            if waiting is not None:
                drop_calls(waiting.calls[first:])
                del waiting.calls[first:]
            roll_back(*args, **kwargs)

        savepoint.rollback = rollback
        return savepoint


class PeeweeProvider(TransactionProvider):
    """Finds the database of a send by its instance, its sender or its alias."""

    def __init__(self):
        self._boundaries = {}

    def add_database(self, database, alias="default"):
        """Make receivers wait for the commits of a database."""
        self._boundaries[alias] = PeeweeBoundary(database, alias)

    def boundary_of_send(self, signal, arguments):
        for name in ("instance", "sender"):
            value = arguments.get(name)
            model = value if isinstance(value, type) else type(value)
            if issubclass(model, Model):
                for boundary in self._boundaries.values():
                    if boundary.database is model._meta.database:
                        return boundary, f"the database of its {name}"
        return None

    def boundary_of_alias(self, alias):
        return self._boundaries.get(alias)

    def default_boundary(self):
        boundary = self._boundaries.get("default")
        return None if boundary is None else (boundary, "it is the default database of peewee")


provider = PeeweeProvider()
register_provider(provider)
