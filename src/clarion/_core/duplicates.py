"""Connects that change nothing, because the receiver or its `dispatch_uid` is connected already.

As in Django, such a connect is accepted, because a module may be imported twice. It is reported if the
second connect asks for something that it does not get.
"""

from __future__ import annotations

from types import MethodType

from clarion._core.callers import warn_caller
from clarion._core.names import code_of, described, option_name, quoted_name
from clarion.errors import ArgumentError, ConnectWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion._core.registration import Registration
    from clarion._core.table import Table


def check_added(table: Table, registration: Registration) -> None:
    """Report a connect that a table has ignored, if it differs from the earlier one.

    Args:
        table: the table that has not added the registration.
        registration: the registration that the second connect has made.

    Raises:
        ArgumentError: if the deliveries are of different kinds, and no `dispatch_uid` was given.
    """
    found = table.find_registration(registration.key, registration.sender_key)
    if found is None or found is registration or found.is_spent:
        return
    before, again = found.live(), registration.live()
    if before is None or again is None:  # it has died meanwhile
        return
    if registration.uid:
        _check_uid(found, registration, before, again)
        return
    if type(found.delivery) is not type(registration.delivery):
        raise ArgumentError(
            f"Receiver {described(again)} is already connected to this signal with another delivery, "
            f"which would stay. Disconnect it first, or connect it once.",
            ["delivery"],
        )
    if differing := _differing(found, registration):
        warn_caller(
            f"Receiver {described(again)} is already connected to this signal with another "
            f"{' and '.join(differing)}, which stays. Disconnect it first, or connect it once.",
            ConnectWarning,
        )


def _check_uid(found: Registration, registration: Registration, before: Any, again: Any) -> None:
    differing = _differing(found, registration)
    if not _is_same(before, again):
        warn_caller(
            f"Receiver {described(again)} is not connected, because receiver {described(before)} has the "
            f"dispatch_uid ({quoted_name(registration.uid)}) already. Give another one, or replace=True to "
            f"replace that receiver.",
            ConnectWarning,
        )
    elif differing:
        warn_caller(
            f"Receiver {described(again)} is already connected by its dispatch_uid "
            f"({quoted_name(registration.uid)}) with another {' and '.join(differing)}, which stays. Give "
            f"replace=True to replace it.",
            ConnectWarning,
        )


def _differing(found: Registration, again: Registration) -> list[str]:
    """Return the names of the options in which two registrations differ."""
    names = ["priority", "once", "subclasses", "inline"]
    differing = [name for name in names if getattr(found, name) != getattr(again, name)]
    if found.weak and not again.weak:  # it may die, which the second connect would prevent
        differing.append("weak")
    if type(found.delivery) is not type(again.delivery) or _shown(found) != _shown(again):
        differing.append("delivery")
    return differing


def _shown(registration: Registration) -> tuple[str, object]:
    # By the options, because a delivery that is written twice is two objects.
    bound = registration.delivery
    delivery = getattr(bound, "delivery", bound)
    return option_name(delivery), getattr(delivery, "hidden", None)


def _is_same(before: Any, again: Any) -> bool:
    """Return whether two receivers are one function, possibly of a module that was imported twice."""
    is_method = isinstance(before, MethodType) or isinstance(again, MethodType)
    if is_method and getattr(before, "__self__", None) is not getattr(again, "__self__", None):
        return False
    code = code_of(again)
    return before is again if code is None else code == code_of(before)
