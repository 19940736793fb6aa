"""The identifiers of envelopes: UUIDs of version 7, which sort by time."""

from __future__ import annotations

import os
import time
from uuid import UUID, SafeUUID

_MILLISECOND = 1_000_000  # nanoseconds
_FIXED = 7 << 76 | 2 << 62  # the version and the variant
_FREE = (1 << 128) - 1 ^ (0xF << 76 | 3 << 62)  # all other bits


def new_uid() -> UUID:
    """Return a new UUID of version 7, as RFC 9562 defines it.

    The first 48 bits are the time in milliseconds. 74 bits are random, and 6 are fixed. The
    time comes first, so rows that are inserted one after the other are neighbours in an index.
    """
    # `uuid.uuid7` exists from CPython 3.14 on.
    milliseconds = time.time_ns() // _MILLISECOND
    bits = milliseconds << 80 | int.from_bytes(os.urandom(10))
    # Not `UUID(int=...)`, which checks six arguments: it takes longer than the rest of this function.
    uid = object.__new__(UUID)
    object.__setattr__(uid, "int", bits & _FREE | _FIXED)
    object.__setattr__(uid, "is_safe", SafeUUID.unknown)
    return uid
