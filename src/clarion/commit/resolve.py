"""Which transaction a send belongs to, by a written rule.

The boundary of a send is the first of these that applies:

1. `on_commit(using="alias")`: the boundary of that alias.
2. The transaction that the send itself names: that of its `session=`, or of the session that
   contains its `instance=`, or of the database that stores the instance. A signal of a flush,
   a save or a bulk write belongs to the transaction of that write. A signal of Django's, and
   any send with a model of Django's, first uses its `using=`. Without an instance it uses the
   database to which Django writes the sender, if the sender is a model.
3. Its `using="alias"`, if a boundary has that alias.
4. The innermost `atomic()` block or bound session of the context.
5. Django's default database, where Django is set up.
6. None: no transaction is open.

If no transaction is open there, the receiver runs at once. Integrations with the frameworks
that a program has loaded are imported automatically, and provide their boundaries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from clarion._core.names import quoted_name
from clarion.commit.boundary import Boundary, active_boundaries, first_active_boundary
from clarion.commit.providers import ClosedProvider, providers
from clarion.errors import BoundaryError

if TYPE_CHECKING:
    from clarion._core.signal import Signal


class BoundaryMatch(NamedTuple):
    """The boundary of a send, and which part of the rule chose it."""

    boundary: Boundary
    reason: str


NO_MATCH = BoundaryMatch(
    Boundary(), "the send names no transaction, and none is open in this context"
)


def resolve_boundary(
    signal: Signal,
    arguments: dict[str, Any],
    using: str | None = None,
    option: str = "on_commit(using=",
) -> BoundaryMatch:
    """Return the boundary of a send, by the rule above.

    Args:
        signal: the signal.
        arguments: the keywords of the send.
        using: the alias that the receiver was connected with, or None.
        option: how the delivery names the alias, for messages.

    Raises:
        BoundaryError: if no boundary has that alias.
    """
    if using is not None:
        keyword = option.partition("(")[2]
        return BoundaryMatch(
            _required_boundary(using, option),
            f"the receiver was connected with {keyword}{using!r}",
        )
    consulted = providers()
    for provider in consulted:
        if (match := provider.boundary_of_send(signal, arguments)) is not None:
            return BoundaryMatch(*match)
    alias = arguments.get("using")
    if isinstance(alias, str) and (boundary := _boundary_of_alias(alias)) is not None:
        return BoundaryMatch(boundary, f"it was sent using={alias!r}")
    if (active := first_active_boundary()) is not None:
        return BoundaryMatch(active.boundary, "it is the innermost in this context")
    for provider in consulted:
        if (match := provider.default_boundary()) is not None:
            return BoundaryMatch(*match)
    return NO_MATCH


def _boundary_of_alias(alias: str) -> Boundary | None:
    for active in active_boundaries():
        if active.alias == alias:
            return active.boundary
    for provider in providers():
        if (boundary := provider.boundary_of_alias(alias)) is not None:
            return boundary
    return None


def _required_boundary(alias: str, option: str) -> Boundary:
    boundary = _boundary_of_alias(alias)
    if boundary is None:
        name = quoted_name(alias)
        error = BoundaryError(
            f"No transaction has the alias {name}, which {option}{name}) names. "
            f"Name a database of Django's, or put atomic(using={name}) around the send."
        )
        for provider in providers():
            if isinstance(provider, ClosedProvider):
                error.add_note(str(provider.error))
        raise error
    return boundary
