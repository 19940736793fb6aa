"""Access to the table of a signal, and to its policy, for the other modules."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion._core.policy import Policy
    from clarion._core.table import Table


class Tabled:
    """The base of Clarion's signals: a slot for the table.

    The slot has the same offset in all of them, and the compiled send reads it there. A
    framework's own signal keeps the table in an attribute of the same name.
    """

    __slots__ = ("_table",)

    _table: Table


# This module alone reads the attribute of other objects.
# ruff: noqa: SLF001


def table_of(signal: Any) -> Table:
    """Return the table of a signal.

    Raises:
        AttributeError: if the object has no table.
    """
    table: Table = signal._table
    return table


def policy_of(signal: Any) -> Policy:
    """Return the policy of a signal: how its kind behaves."""
    policy: Policy = signal._table.policy
    return policy


def set_policy(signal: Any, policy: Policy) -> None:
    """Replace the policy of a signal, before it is first connected or sent."""
    table = signal._table
    table.policy = policy
    table.keywords = policy.keywords
    table.own_sends = policy.own_sends


def has_table(signal: Any) -> bool:
    """Return whether an object has a table."""
    return hasattr(signal, "_table")


def set_table(signal: Any, table: Table) -> None:
    """Give a signal a table."""
    signal._table = table


def remove_table(signal: Any) -> None:
    """Remove the table of a signal."""
    del signal._table


def repair(table: Table) -> None:
    """Complete a change that an interrupt, or a fork in another thread, has left half done."""
    buckets = (table.any_sender, *table.buckets.values())
    everything = [r for bucket in buckets for r in bucket.members.values()]
    table.subclass_registrations = {r for r in everything if r.subclasses}
    table.forget_routes()
