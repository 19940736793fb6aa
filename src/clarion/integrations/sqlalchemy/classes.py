"""class_prepared, and the registrations whose sender exists once a class is mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.integrations.sqlalchemy.model_signal import connect_resolved
from clarion.integrations.sqlalchemy.send import deliver
from clarion.integrations.sqlalchemy.signals import class_prepared

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper


def after_mapper_constructed(mapper: Mapper[Any], class_: type[Any]) -> None:  # noqa: ARG001
    """Connect the receivers that wait for a class, then send class_prepared."""
    connect_resolved(class_)
    if class_prepared.has_listeners(class_):
        deliver(class_prepared, class_)
