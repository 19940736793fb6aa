"""Envelopes: sends in a form that an outbox can store, or an engine can pass on.

In reading order; each module imports only from those above it:

1. `uid`: identifiers that sort by time.
2. `plain`: strict JSON, which refuses what JSON would change.
3. `registry`, `conversions`: what the program registers, and the classes among it.
4. `main_module`, `receiver_names`: the names by which another process finds a signal and a receiver.
5. `references`, `reference_keywords`, `senders`: objects of a database are stored as their key, senders
   by a known name.
6. `same`, `pydantic_models`, `typed`: the payloads of declared signals, with msgspec.
7. `tagged`, `stored_signals`: the payloads of a framework's signals, by the types of their values.
8. `definitions`, `upcast`: whether a function replaces another one, and the payloads of older versions.
9. `trace`, `context`: the trace and the context variables of the sender.
10. `codec`, `envelope`: from the arguments of a send to an `Envelope`, and back.
11. `registered`: undo, for a test, the registrations of a block.

Never put here: pickle, an import by a stored name, a database, a framework.
"""

from __future__ import annotations

from clarion.envelope.codec import StoredReference
from clarion.envelope.context import carry, current_headers, drop_carried, restored_headers
from clarion.envelope.conversions import register_type
from clarion.envelope.envelope import Envelope, seal
from clarion.envelope.receiver_names import stable_name
from clarion.envelope.references import (
    GoneError,
    ReferenceKind,
    SnapshotKind,
    register_reference_kind,
)
from clarion.envelope.senders import register_sender
from clarion.envelope.stored_signals import KeywordConversion, store_by_type
from clarion.envelope.uid import new_uid
from clarion.envelope.upcast import NewerVersionError, upcast

__all__ = [
    "Envelope",
    "GoneError",
    "KeywordConversion",
    "NewerVersionError",
    "ReferenceKind",
    "SnapshotKind",
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
    "store_by_type",
    "upcast",
]
