"""Copies of column values that do not change with the instance."""

from __future__ import annotations

import sys
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from clarion.integrations.sqlalchemy.rows.columns import PLAIN_TYPES

_IMMUTABLE_TYPES = PLAIN_TYPES | {date, datetime, time, timedelta, Decimal, UUID}


def copy_value(value: Any) -> Any:
    """Return a value that a change of the instance does not affect."""
    if type(value) in _IMMUTABLE_TYPES:
        return value
    # Not imported here, because importing it attaches listeners to every mapper. If the
    # program has not imported it, no value has one of its types.
    mutable = sys.modules.get("sqlalchemy.ext.mutable")
    if mutable is not None and isinstance(value, mutable.Mutable):
        return _untracked(value, mutable)
    return _deep_copy(value)


def _untracked(value: Any, mutable: Any) -> Any:
    """Return a copy whose changes do not mark an instance as changed."""
    for tracked, builtin in (
        (mutable.MutableDict, dict),
        (mutable.MutableList, list),
        (mutable.MutableSet, set),
    ):
        if isinstance(value, tracked):
            return _deep_copy(builtin(value))
    copied = _deep_copy(value)
    if copied is not value:
        copied.__dict__.pop("_parents", None)
    return copied


def _deep_copy(value: Any) -> Any:
    try:
        return deepcopy(value)
    except Exception:  # noqa: BLE001  # a type of user code may raise any exception
        return value
