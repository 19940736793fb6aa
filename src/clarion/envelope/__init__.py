"""Envelopes: sends in a form that an outbox can store, or an engine can pass on.

In reading order; each module imports only from those above it:

1. `uid`: identifiers that sort by time.
2. `plain`: strict JSON, which refuses what JSON would change.
3. `same`, `typed`: the payloads of declared signals, with msgspec.
4. `receiver_names`: the names by which another process finds a receiver.
5. `references`, `senders`: objects of a database are stored as their key, senders by a known name.
6. `upcast`: the payloads of older versions.
7. `trace`, `context`: the trace and the context variables of the sender.
8. `codec`, `envelope`: from the arguments of a send to an `Envelope`, and back.
9. `registered`: undo, for a test, the registrations of a block.

Never put here: pickle, an import by a stored name, a database, a framework.
"""

from __future__ import annotations

from clarion.envelope.codec import StoredReference
from clarion.envelope.context import carry, current_headers, drop_carried, restored_headers
from clarion.envelope.envelope import Envelope, seal
from clarion.envelope.receiver_names import stable_name
from clarion.envelope.references import GoneError, ReferenceKind, register_reference_kind
from clarion.envelope.senders import register_sender
from clarion.envelope.uid import new_uid
from clarion.envelope.upcast import NewerVersionError, upcast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion.envelope.typed import register_type

__all__ = [
    "Envelope",
    "GoneError",
    "NewerVersionError",
    "ReferenceKind",
    "StoredReference",
    "carry",
    "current_headers",
    "drop_carried",
    "new_uid",
    "register_reference_kind",
    "register_sender",
    "register_type",
    "restored_headers",
    "seal",
    "stable_name",
    "upcast",
]


def __getattr__(name: str) -> Any:
    """Load the names that need msgspec on first use."""
    if name == "register_type":
        from clarion.envelope.typed import register_type

        return register_type
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
