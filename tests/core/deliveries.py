"""A delivery for the tests of the core, which knows none: it keeps what is sent until asked."""

from typing import Any


class Later:
    """A delivery, and what it is bound to: `kept` is called by `run`.

    Args:
        needs_loop: what `awaits` answers, or the error that it raises.
        offers: the names of what it gives to receivers.
        error: what `send` raises.
    """

    def __init__(self, *, needs_loop: Any = False, provides: Any = (), error: Any = None) -> None:
        self.kept: list[Any] = []
        self.asked: list[Any] = []
        self.needs_loop = needs_loop
        self.provides = provides
        self.error = error

    def bind(self, receiver, signal):
        """Return what delivers."""
        return self

    def send(self, signal, registration, receiver, /, **named):
        """Keep it."""
        if self.error is not None:
            raise self.error
        self.kept.append((receiver, {**named, **dict.fromkeys(self.provides, "offered")}))
        return "kept"

    async def asend(self, signal, registration, receiver, /, **named):
        """Keep it."""
        return self.send(signal, registration, receiver, **named)

    def awaits(self, signal, receiver, /, **named):
        """Tell as one was told to."""
        self.asked.append(receiver)
        if isinstance(self.needs_loop, Exception):
            raise self.needs_loop
        return self.needs_loop

    def explain(self, signal, /, **named):
        """Say when."""
        return f"some day, with {', '.join(sorted(named))}"

    def run(self):
        """Call what was kept, in order; return the answers."""
        kept, self.kept = self.kept, []
        return [receiver(**named) for receiver, named in kept]
