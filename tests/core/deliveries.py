"""A delivery for the core tests: it collects calls until a test runs them."""

from typing import Any


class Later:
    """A delivery and its own bound form; `run` makes the calls in `kept`.

    Args:
        needs_loop: the result of `awaits`, or the error that it raises.
        provides: the names of the arguments that it adds.
        error: the error that `send` raises.
    """

    def __init__(self, *, needs_loop: Any = False, provides: Any = (), error: Any = None) -> None:
        self.kept: list[Any] = []
        self.asked: list[Any] = []
        self.needs_loop = needs_loop
        self.provides = provides
        self.error = error

    def bind(self, receiver, signal):
        """Return the bound delivery."""
        return self

    def send(self, signal, registration, receiver, /, **named):
        """Keep the call."""
        if self.error is not None:
            raise self.error
        self.kept.append((receiver, {**named, **dict.fromkeys(self.provides, "provided")}))
        return "kept"

    async def asend(self, signal, registration, receiver, /, **named):
        """Keep the call, awaited."""
        return self.send(signal, registration, receiver, **named)

    def awaits(self, signal, receiver, /, **named):
        """Return or raise `needs_loop`."""
        self.asked.append(receiver)
        if isinstance(self.needs_loop, Exception):
            raise self.needs_loop
        return self.needs_loop

    def explain(self, signal, /, **named):
        """Return a text with the names of the keywords."""
        return f"some day, with {', '.join(sorted(named))}"

    def run(self):
        """Make the collected calls in order; return their responses."""
        kept, self.kept = self.kept, []
        return [receiver(**named) for receiver, named in kept]
