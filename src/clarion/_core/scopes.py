"""Scopes: the registrations of a `with` block of `signal.connected`.

Each block has its own registrations, so its end removes exactly these. A send calls a receiver once,
even if several blocks have connected it: one registration of each receiver applies. A scope with
`in_context` applies only in contexts that have entered it. If a route has a registration of such a
scope, each send selects the registrations that apply.
"""

from __future__ import annotations

from contextvars import ContextVar
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from clarion._core.registration import Registration

_next_number = count(1).__next__


class Scope:
    """One entered block.

    Attributes:
        in_context: whether it applies only in contexts that have entered it.
        replaces: whether its receiver replaces the one with the same uid.
        is_over: whether the block has ended.
        number: its position in the order of entering.
        registrations: the registrations that the block has added.
    """

    __slots__ = ("in_context", "is_over", "number", "registrations", "replaces")

    def __init__(self, *, in_context: bool, replaces: bool) -> None:
        self.in_context = in_context
        self.replaces = replaces
        self.is_over = False
        self.number = _next_number()
        self.registrations: list[Registration] = []

    def is_visible(self) -> bool:
        """Return whether it applies to the sends of this context."""
        return not self.in_context or self in _entered.get()

    def enter(self) -> None:
        """Enter the scope in this context."""
        if self.in_context:
            _entered.set((*_entered.get(), self))

    def leave(self) -> None:
        """Leave the scope in this context."""
        # A block in a generator may end in a different context from the one it began in.
        if self in (entered := _entered.get()):
            _entered.set(tuple(each for each in entered if each is not self))

    def end(self) -> list[Registration]:
        """End the block, and return the registrations to remove."""
        self.is_over = True
        registrations, self.registrations = self.registrations, []
        return registrations


_entered: ContextVar[tuple[Scope, ...]] = ContextVar("clarion_scopes", default=())


def depends_on_context(registrations: Iterable[Registration]) -> bool:
    """Return whether a registration applies in some contexts only."""
    return any(each.scope is not None and each.scope.in_context for each in registrations)


def applicable(registrations: Iterable[Registration]) -> tuple[Registration, ...]:
    """Return the registrations that apply in this context, one for each sender and key."""
    counting: dict[Hashable, Registration] = {}
    visible = [each for each in registrations if each.scope is None or each.scope.is_visible()]
    for each in visible:
        other = counting.setdefault(each.identity, each)
        if _precedence(each) > _precedence(other):
            counting[each.identity] = each
    return tuple(each for each in visible if counting[each.identity] is each)


def _precedence(registration: Registration) -> tuple[int, int]:
    """Return the rank of a registration; the highest applies.

    First the latest replacement, then a registration without a block, then the earliest block.
    """
    scope = registration.scope
    if scope is None:
        return 1, 0
    return (2, scope.number) if scope.replaces else (0, -scope.number)


def find_scoped(members: dict[Hashable, Registration], key: Hashable) -> Registration | None:
    """Return the latest registration of a block for this key that applies here."""
    for each in reversed(list(members.values())):
        if each.scope is not None and each.own_key == key and each.scope.is_visible():
            return each
    return None
