"""Keep receivers from hearing, here and nowhere else."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clarion._core.connect import receiver_key, sender_key
from clarion._core.instrument import Instrument, attach, detach
from clarion._core.registry import is_signal
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion._core.instrument import Send
    from clarion._core.signal import Signal
    from clarion.typing import Receiver

F = TypeVar("F", bound="Callable[..., Any]")

_mutes: ContextVar[tuple[muted, ...]] = ContextVar("clarion_mutes", default=())


class muted(ContextDecorator, Instrument):  # noqa: N801
    """Mute signals, or receivers, inside a with block or a decorated function.

    Only the context that entered the block is muted, and what it starts: the threads
    and tasks beside it hear as ever. Registrations stay as they are, and so does their
    order. `send` returns what the others answer.

    Args:
        *targets: signals, whose receivers are not called, or receivers, which no signal
            calls.
        sender: mute only what this sender sends; by default, everybody's.

    Raises:
        ArgumentError: if a target is neither a signal nor callable, or there is none.
    """

    def __init__(self, *targets: Signal | Receiver, sender: object = None) -> None:
        signals = [target for target in targets if is_signal(target)]
        receivers = [target for target in targets if not is_signal(target)]
        for target in receivers:
            if not callable(target):
                raise ArgumentError(f"{target!r} is neither a signal nor a receiver. Mute one.")
        if not targets:
            raise ArgumentError("muted() was told nothing to mute. Give signals or receivers.")
        self._signals = frozenset(map(id, signals))
        # Kept, so that no id can come to mean something else.
        self._targets = targets
        self._receivers = frozenset(map(receiver_key, receivers))
        self._sender = sender
        # A receiver may be connected anywhere.
        self._watched = () if receivers else tuple(signals)

    def __call__(self, function: F) -> F:
        """Decorate a function, sync or async, to run muted."""
        if not iscoroutinefunction(function):
            return super().__call__(function)

        @wraps(function)
        async def run_muted(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return cast("F", run_muted)

    def __enter__(self) -> muted:
        attach(self, *self._watched)  # type: ignore[arg-type]
        _mutes.set((*_mutes.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        mutes = list(_mutes.get())
        mutes.remove(self)
        _mutes.set(tuple(mutes))
        detach(self, *self._watched)  # type: ignore[arg-type]

    def admits(self, send: Send, receiver: Receiver) -> bool:
        """Tell whether the receiver may hear: unless this mute is on here and means it."""
        if self not in _mutes.get():
            return True
        if self._sender is not None and sender_key(send.sender) != sender_key(self._sender):
            return True
        return id(send.signal) not in self._signals and receiver_key(receiver) not in self._receivers
