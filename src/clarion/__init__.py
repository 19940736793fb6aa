"""Clarion: Django's signals for every Python program.

In reading order; a module imports from those above it only:

1. `errors`, `delivery`, `typing`: the exceptions, the protocol of `delivery=`, the types.
2. `_core`: the dispatcher.
3. `policy`: how a kind of signal behaves, for those who write an integration.
4. `commit`, `introspect`: receivers after the commit, and which receivers a send would call.
   `envelope`: a send, written down.
5. `signals`, `changes`: the built-in signals, and the changes of a save. `outbox`: stored deliveries.
   `listing`: what the commands list. `graph`: the same as a drawing.
6. `worker`: makes the stored deliveries. `tail`: shows the sends of a running program.
   `background`: hands receivers to the engine of the program. `doctor`: looks for receivers that never run.
7. `integrations`: one module or package for each framework.
8. `testing`, `apps`, `cli`, `__main__`: helpers for tests, the application for Django, the command
   line.

Never put here: code that runs at import, except `Signal`, `receiver` and `ClarionError`. The
other public names are loaded on first use.

PYTEST_DONT_REWRITE: pytest does not warn if this package was imported before its plugin.
"""

from __future__ import annotations

from clarion._core.receiver import receiver
from clarion._core.signal import Signal
from clarion.errors import ClarionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from clarion._core.autodiscover import autodiscover
    from clarion._core.declare import DeclaredSignal, signal
    from clarion._core.version import __version__ as __version__
    from clarion.commit import on_commit
    from clarion.outbox import durable

__all__ = [
    "ClarionError",
    "DeclaredSignal",
    "Signal",
    "autodiscover",
    "durable",
    "on_commit",
    "receiver",
    "signal",
]


def __getattr__(name: str) -> object:
    # Loaded on first use, to keep `import clarion` fast. By statements, which tools that bundle
    # a program can see.
    found: object
    if name == "__version__":
        from clarion._core import version

        found = version.__version__
    elif name == "on_commit":
        from clarion import commit

        found = commit.on_commit
    elif name == "durable":
        from clarion import outbox

        found = outbox.durable
    elif name == "autodiscover":
        from clarion._core import autodiscover

        found = autodiscover.autodiscover
    elif name in ("DeclaredSignal", "signal"):
        from clarion._core import declare

        found = getattr(declare, name)
    else:
        raise AttributeError(f"module 'clarion' has no attribute {name!r}")
    globals()[name] = found
    return globals()[name]
