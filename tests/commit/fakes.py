"""A boundary and a provider of an imaginary framework."""

from clarion.commit import Boundary, TransactionProvider


class FakeBoundary(Boundary):
    """A boundary that collects calls."""

    def __init__(self, name, *, is_open=True):
        self.name = name
        self.calls = []
        self._is_open = is_open

    def is_open(self):
        return self._is_open

    def add_call(self, call):
        self.calls.append(call)


class FakeProvider(TransactionProvider):
    """A provider that finds instances, aliases and a default."""

    def __init__(self):
        self.default = None
        self.aliases = {}

    def boundary_of_send(self, signal, arguments):
        instance = arguments.get("instance")
        return None if instance is None else (instance, "instance= is in it")

    def boundary_of_alias(self, alias):
        return self.aliases.get(alias)

    def default_boundary(self):
        return self.default and (self.default, "it is the default")
