"""Instances as they were when they were sent, for those deleted before the commit.

Django removes the primary key of an object that it deletes. A receiver that runs after the
commit is then given a copy that still has it.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from django.db.models import Model

if TYPE_CHECKING:
    from clarion.commit import PendingCall


def keep_instance(call: PendingCall) -> None:
    """Keep the attributes that the instance of a call has now."""
    instance = call.arguments.get("instance")
    if instance is not None and isinstance(instance, Model):
        call.boundary_data = instance.__dict__.copy()


def arguments_of(call: PendingCall) -> dict[str, Any]:
    """Return the arguments of a call, with copies of deleted instances."""
    arguments = call.call_arguments()
    if not call.bound.requests_sends:
        if call.boundary_data is not None:
            _replace_deleted(arguments, call.boundary_data)
        return arguments
    for sent, each in zip(arguments["sends"], (*call.merged, call), strict=True):
        if each.boundary_data is not None:
            _replace_deleted(sent, each.boundary_data)
    return {**arguments["sends"][-1], "sends": arguments["sends"]}


def _replace_deleted(arguments: dict[str, Any], kept: dict[str, Any]) -> None:
    instance: Any = arguments["instance"]
    if instance._is_pk_set():
        return
    before = instance.__class__.__new__(instance.__class__)
    before.__dict__.update(kept)
    if before._is_pk_set():
        before._state = copy(before._state)
        before._state.fields_cache = before._state.fields_cache.copy()
        arguments["instance"] = before
