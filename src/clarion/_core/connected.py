"""connected: connect a receiver while a `with` block runs."""

from __future__ import annotations

from clarion._core.arguments import SCOPE
from clarion._core.block_end import Block
from clarion._core.callers import warn_caller
from clarion._core.names import name_of, option_name, sender_name, signal_name
from clarion._core.scopes import Scope
from clarion._core.tabled import has_table, table_of
from clarion._core.unentered import Enterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver
    from clarion._core.table import Table


class _Entry:
    """One entry of the block."""

    __slots__ = ("_signal", "scope")

    def __init__(self, signal: Signal, scope: Scope) -> None:
        self._signal = signal
        self.scope = scope

    def end(self, error: object) -> None:
        """Remove the registrations of the scope, and warn if its sends could not reach them."""
        is_visible = self.scope.is_visible()
        self.interrupt(error)
        if not is_visible:
            warn_caller(
                "connected(context=True) was left in another context than it was entered in, so sends there "
                "did not call its receiver. Enter it in the code that sends, or leave context out.",
                RuntimeWarning,
            )

    def interrupt(self, error: object) -> None:  # noqa: ARG002
        """Remove the registrations of the scope. A second call completes a first one."""
        self.scope.is_over = True
        self.scope.leave()
        for registration in self.scope.registrations:
            if has_table(self._signal):  # the block may have restored Django's dispatcher
                table_of(self._signal).discard(registration)
        self.scope.end()


class Connected(Block, Enterable):
    """The context manager that `Signal.connected` returns.

    The same object can be entered several times, also in nested blocks.

    Args:
        signal: the signal.
        receiver: the receiver. This object keeps it alive.
        options: the options of `connect`.
        in_context: whether the receiver is called for sends of this context only.
    """

    def __init__(
        self, signal: Signal, receiver: Receiver, options: dict[str, Any], *, in_context: bool
    ) -> None:
        self._signal = signal
        self._receiver = receiver
        self._options = options
        self._in_context = in_context
        self.unentered = "signal.connected(receiver)"

    def __enter__(self) -> Any:
        self.unentered = None
        scope = Scope(in_context=self._in_context, replaces=bool(self._options.get("replace")))
        entry = _Entry(self._signal, scope)
        weak = self._options.get("weak") or False
        options: dict[str, Any] = {**self._options, "weak": weak, SCOPE: scope}

        def begin() -> None:
            self._signal.connect(self._receiver, **options)
            scope.enter()

        self.enter(entry, begin)
        return self._receiver

    def choose(self, entries: tuple[_Entry, ...]) -> _Entry:
        """Return the last entry of this context."""
        # If several threads or tasks are in this block, each leaves its own scope.
        return ([each for each in entries if each.scope.is_visible()] or entries)[-1]

    def __repr__(self) -> str:
        options = {**self._options, "context": self._in_context or None}
        given = [name_of(self._receiver)]
        given += [
            f"{name}={sender_name(value) if name == 'sender' else option_name(value)}"
            for name, value in options.items()
            if value is not None
        ]
        return f"<{signal_name(self._signal)}.connected({', '.join(given)})>"


def add_in_place(table: Table, registration: Registration, sender: object) -> None:
    """Add a registration that belongs to a block, or that replaces the one with its key."""
    scope = registration.scope
    if scope is None:
        table.put(registration, sender)
        return
    if scope.replaces:
        replaced = table.find_registration(registration.own_key, registration.sender_key)
        registration.order = registration.order if replaced is None else replaced.order
    scope.registrations.append(registration)
    table.add(registration, sender)
