"""Bulk writes, told as what they are: one call that writes many rows, and sends no signal each.

`bulk_create`, `bulk_update`, `QuerySet.update` and deletes that load no objects send neither
`post_save` nor `post_delete`, as ever in Django. They send these instead, and can be made to
warn of the receivers that they pass by. QuerySet's methods are touched when somebody first
listens, and are Django's own again after `uninstall()`.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from django.apps import apps
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.db.models.utils import make_model_tuple

from clarion._core.declare import DeclaredSignal
from clarion._core.names import name_of
from clarion._core.tabled import has_table, table_of
from clarion.integrations.django.dispatch import install
from clarion.integrations.django.dispatch.policy import BulkPolicy
from clarion.signals import BulkWriteWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from types import FrameType

P = ParamSpec("P")
R = TypeVar("R")

SAVES = {"pre_save": pre_save, "post_save": post_save}
DELETES = {"pre_delete": pre_delete, "post_delete": post_delete}


def _on_listening(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    _attach()


class BulkSignal(DeclaredSignal[P, R]):
    """A signal that Django's querysets have sent.

    `connect` takes a model as the sender, or its name: "app.Model", for one yet to come.

    Args:
        function: the function that declares it, as for `signal`.
    """

    policy_class = BulkPolicy

    def __init__(self, function: Callable[P, R]) -> None:
        super().__init__(function)
        table_of(self).on_listening = _on_listening

    if not TYPE_CHECKING:  # the checkers go by what was declared

        def connect(self, receiver: Any, sender: object = None, *args: Any, **options: Any) -> None:
            """Have a receiver called at each send, as `Signal.connect`."""
            connect = super().connect

            def connect_to(model: object) -> None:
                connect(receiver, model, *args, **options)

            _once_there(sender, connect_to)

        def disconnect(
            self,
            receiver: Any = None,
            sender: object = None,
            dispatch_uid: Hashable | None = None,
        ) -> bool:
            """Have a receiver called no more, as `Signal.disconnect`."""
            disconnect, answers = super().disconnect, []
            _once_there(
                sender, lambda model: answers.append(disconnect(receiver, model, dispatch_uid))
            )
            return any(answers)


def _once_there(sender: object, act: Callable[[object], None]) -> None:
    """Act on a model, as soon as it is there if it was given by its name."""
    if isinstance(sender, str):
        apps.lazy_model_operation(act, make_model_tuple(sender))
    else:
        act(sender)


def _declare(function: Callable[P, None]) -> BulkSignal[P, object]:
    return BulkSignal(function)


@_declare
def post_bulk_insert(
    *,
    sender: type[Any],
    criteria: None,
    rowcount: int | None,
    pk_set: set[Any] | None,
    using: str,
    objs: tuple[Any, ...],
    on_conflict: str | None,
) -> None:
    """`bulk_create` wrote `objs`; `on_conflict` is None, "ignore" or "update"."""


@_declare
def post_bulk_update(
    *,
    sender: type[Any],
    criteria: Any,
    rowcount: int | None,
    pk_set: set[Any] | None,
    using: str,
    update_fields: frozenset[str],
    values: dict[str, Any] | None,
    objs: tuple[Any, ...] | None,
) -> None:
    """`update` set `values`, or `bulk_update` wrote `update_fields` of `objs`."""


@_declare
def post_bulk_delete(
    *,
    sender: type[Any],
    criteria: Any,
    rowcount: int | None,
    pk_set: set[Any] | None,
    using: str,
) -> None:
    """Rows were deleted that no object was loaded for, so that none got its `post_delete`."""


_warns = False


def warn_of_bulk_writes(on: bool = True) -> ExitStack:  # noqa: FBT001, FBT002
    """Have a `~clarion.signals.BulkWriteWarning` name the receivers that bulk writes pass by, in every thread.

    Args:
        on: False to take it back.

    Returns:
        A context manager, which need not be entered; leaving it restores what was before.
    """
    global _warns  # noqa: PLW0603
    undo = ExitStack()
    undo.callback(warn_of_bulk_writes, _warns)
    _warns = on
    if on:
        _attach()
    return undo


def warn(sender: Any, passed_by: Mapping[str, Any]) -> None:
    """Warn of a bulk write that is about to be, if that is asked for and anybody listens."""
    # Django sends no signals of a many-to-many's own rows, however they are written.
    if not _warns or sender._meta.auto_created:
        return
    names = [
        f"{name_of(receiver)} of {name}"
        for name, signal in passed_by.items()
        for receiver in _receivers(signal, sender)
    ]
    if names:
        warnings.warn(
            f"A bulk write of {sender.__qualname__} passes by {', '.join(names)}. Write the objects "
            f"one by one, or listen to the post_bulk signals.",
            BulkWriteWarning,
            stacklevel=_callers_level(),
        )


def _receivers(signal: Any, sender: object) -> list[Any]:
    if not has_table(signal):  # Django's dispatcher runs it
        return [receiver for group in signal._live_receivers(sender) for receiver in group]
    registrations = table_of(signal).find(sender).registrations
    return [receiver for each in registrations if (receiver := each.live()) is not None]


def _callers_level() -> int:
    """Return the level, for `warnings.warn` in this one's caller, of who called Django."""
    frame: FrameType | None = sys._getframe(2)
    level = 2
    while frame is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _is_inside(module: str) -> bool:
    return module.startswith(("django.", "clarion."))


def _attach() -> None:
    # Not before it is needed: it is imported by what it imports.
    from clarion.integrations.django.orm.queryset import hooks

    hooks.attach()


def _detach() -> None:
    from clarion.integrations.django.orm.queryset import hooks

    hooks.detach()


def _resume() -> None:
    """Hook QuerySet again if somebody still listens."""
    tables = [table_of(each) for each in (post_bulk_insert, post_bulk_update, post_bulk_delete)]
    if _warns or any(table.registrations() or table.instruments for table in tables):
        _attach()


install.accompany(_resume, _detach)
