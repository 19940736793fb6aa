"""For tests: capture and assert sends, mute receivers, restore connections.

In reading order: `capture`, `equality`, `assertions` and `mute`. Then `blocks`, `callers`, `change_log`
and `reset`, which restore connections. Then `commits`, `engines`, `deliveries` and `enqueued` for stored
deliveries and background calls, and `plugin` for pytest.
These modules may import every package. No package imports them, so they cost nothing outside
tests. Never put here: code that a program uses outside its tests.
"""

from clarion.testing.assertions import assert_sent
from clarion.testing.capture import Capture, Sent, capture
from clarion.testing.commits import commits
from clarion.testing.mute import muted
from clarion.testing.reset import restored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from clarion.testing.deliveries import adrain, drain
    from clarion.testing.engines import without_engines
    from clarion.testing.enqueued import assert_enqueued

__all__ = [
    "Capture",
    "Sent",
    "adrain",
    "assert_enqueued",
    "assert_sent",
    "capture",
    "commits",
    "drain",
    "muted",
    "restored",
    "without_engines",
]

_LATE = {
    "adrain": "deliveries",
    "assert_enqueued": "enqueued",
    "drain": "deliveries",
    "without_engines": "engines",
}


def __getattr__(name: str) -> object:
    # Late, because most programs have no durable receiver, and do not load the outbox.
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value
