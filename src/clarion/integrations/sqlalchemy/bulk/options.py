"""Options for the bulk writes of a session: warnings, and expanded deletes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion._core.names import name_of, signal_name, value_name
from clarion._core.tabled import table_of
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.async_sessions import (
    is_async_scoped_session,
    is_async_session,
    is_async_sessionmaker,
)
from clarion.integrations.sqlalchemy.signals import post_bulk_delete, post_save, pre_save
from clarion.signals import BulkWriteWarning

if TYPE_CHECKING:
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

_WARN = "clarion_warn_of_bulk_writes"
_EXPAND = "clarion_expand_deletes"


def warn_of_bulk_writes(target: Any, on: bool = True) -> None:  # noqa: FBT001, FBT002
    """Warn of the receivers that a session's bulk writes do not call.

    The warning is a `~clarion.signals.BulkWriteWarning` that names them.

    Args:
        target: a session of any kind, or a sessionmaker, for the sessions it will make.
        on: False to switch it off.

    Raises:
        ArgumentError: if the target is neither.
    """
    _info(target)[_WARN] = on
    post_bulk_delete.attach()  # the listener of statements also warns


def expand_deletes(target: Any, on: bool = True) -> None:  # noqa: FBT001, FBT002
    """Load the objects that a session's ORM `delete()` statements delete.

    pre_delete and post_delete are sent for each object if they have receivers. Their origin
    is the statement.

    Args:
        target: as for `warn_of_bulk_writes`.
        on: False to switch it off.

    Raises:
        ArgumentError: if the target is neither.
    """
    _info(target)[_EXPAND] = on
    post_bulk_delete.attach()  # the listener of statements also expands


def _info(target: Any) -> dict[Any, Any]:
    if isinstance(target, sessionmaker) or is_async_sessionmaker(target):
        options: dict[str, Any] = target.kw
        info: dict[Any, Any] = options.setdefault("info", {})
        return info
    if isinstance(target, (Session, scoped_session)):
        return target.info
    if is_async_session(target) or is_async_scoped_session(target):
        return target.info
    raise ArgumentError(f"{value_name(target)} is neither a session nor a sessionmaker. Give one.")


def expands_deletes(session: Session) -> bool:
    """Return whether `expand_deletes` is on for a session."""
    return bool(session.info.get(_EXPAND))


def warn(session: Session, sender: type, *skipped: ModelSignal[..., Any]) -> None:
    """Warn of the receivers of signals that a bulk write does not send.

    Args:
        session: the session; without `warn_of_bulk_writes` it gets no warning.
        sender: the class that is written.
        skipped: the signals; pre_save and post_save if none is given.
    """
    if not session.info.get(_WARN):
        return
    names = [
        f"{name_of(receiver)} of {signal_name(signal).rpartition('.')[2]}"
        for signal in skipped or (pre_save, post_save)
        for registration in table_of(signal).find_route(sender).registrations
        if (receiver := registration.live()) is not None
    ]
    if names:
        warnings.warn(
            f"A bulk write of {sender.__qualname__} does not call {', '.join(names)}. Write the "
            f"objects one by one, or listen to the post_bulk signals.",
            BulkWriteWarning,
            stacklevel=3,
        )
