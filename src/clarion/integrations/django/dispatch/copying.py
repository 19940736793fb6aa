"""Copy Django's signals, which Django cannot copy, because they hold a lock."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from clarion._core.copying import copy_registrations
from clarion._core.tabled import set_policy, table_of
from clarion.integrations.django.dispatch.table import attach_table

if TYPE_CHECKING:
    from collections.abc import Mapping

# The attributes of a signal that Django's `__init__` or Clarion sets.
_OWN = {"_dead_receivers", "_table", "lock", "receivers", "sender_receivers_cache"}


def copy_signal(signal: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return a signal of the same class, with the same receivers in a list of its own.

    Args:
        signal: the signal, while Django runs on Clarion.
        memo: as for `__deepcopy__`; None for a shallow copy.
    """
    kind: Any = signal.__class__
    table = table_of(signal)
    copied: Any = kind.__new__(kind)
    attach_table(copied, table.home)
    Signal.__init__(copied, signal.use_caching)
    attributes: Mapping[str, Any] = {
        name: value for name, value in vars(signal).items() if name not in _OWN
    }
    if memo is not None:
        memo[id(signal)] = copied
        attributes = deepcopy(attributes, memo)
    vars(copied).update(attributes)
    set_policy(copied, table.policy)
    table_of(copied).name = table.name
    copy_registrations(table, table_of(copied))
    return copied
