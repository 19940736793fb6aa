"""What runs together: a route's receivers, grouped by how they are run.

Sync receivers in a row share one thread hop in `asend`, those that said `inline=True`
need none, and async ones of equal priority run concurrently.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion._core.accept import Receiver
    from clarion._core.connect import Registration

# How the receivers of one stage are run.
SYNC = "sync"
INLINE = "inline"
ASYNC = "async"


class Stage:
    """Neighbours in a route that are run in the same way.

    Attributes:
        mode: SYNC, INLINE or ASYNC.
        registrations: who is called, in order. Those of an ASYNC stage are of equal
            priority and run concurrently.
    """

    __slots__ = ("mode", "registrations")

    def __init__(self, mode: str, registrations: tuple[Registration, ...]) -> None:
        self.mode = mode
        self.registrations = registrations

    def live(self) -> list[tuple[Registration, Receiver]]:
        """Return the registrations whose receiver is alive, each with it."""
        return [(r, receiver) for r in self.registrations if (receiver := r.live()) is not None]


def staged(registrations: tuple[Registration, ...]) -> Iterator[Stage]:
    """Group the registrations of a route, which are in order."""
    # Sync receivers of neighbouring priorities share a thread hop; async ones of
    # different priorities must not run together.
    from itertools import groupby

    def kind(registration: Registration) -> tuple[str, int]:
        if registration.is_async:
            return ASYNC, registration.priority
        return (INLINE if registration.inline else SYNC), 0

    for (mode, _), members in groupby(registrations, kind):
        yield Stage(mode, tuple(members))
