"""muted: do not call certain receivers in one context."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clarion._core.block_end import Block
from clarion._core.callers import warn_caller
from clarion._core.checks import check_sender
from clarion._core.decorated import decorated
from clarion._core.instrument import Instrument, attach, detach
from clarion._core.names import name_of, sender_name, signal_name, value_name
from clarion._core.registration import receiver_key, sender_key
from clarion._core.registry import is_signal
from clarion._core.unentered import Enterable
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from clarion._core.instrument import Send
    from clarion.typing import AnySignal, Receiver

F = TypeVar("F", bound="Callable[..., Any]")

_mutes: ContextVar[tuple[_Entry, ...]] = ContextVar("clarion_mutes", default=())


class _Entry:
    """One entry of a `muted` block.

    Attributes:
        block: the block.
        is_over: whether it was left.
    """

    def __init__(self, block: muted) -> None:
        self.block = block
        self.is_over = False

    def begin(self) -> None:
        """Mute in this context."""
        self.block.attach()
        _mutes.set((*_mutes.get(), self))

    def end(self, error: object) -> None:  # noqa: ARG002
        """End it, also in the copies of the context that tasks have."""
        self.is_over = True
        # A fixture may end in a different context from the one it began in.
        is_visible = self in (active := _mutes.get())
        _mutes.set(tuple(each for each in active if each is not self))
        self.block.detach()
        if not is_visible:
            warn_caller(
                "muted() was left in another context than it was entered in, so it muted nothing there. "
                "Enter it in the code that sends.",
                RuntimeWarning,
            )

    def interrupt(self, error: BaseException) -> None:  # noqa: ARG002
        """End it after an interrupt: it mutes nothing, even if it still watches."""
        self.is_over = True


class muted(Block, Enterable, Instrument):  # noqa: N801  # a context manager: `with muted(order_paid):`
    """Mute signals or receivers inside a `with` block or a decorated function.

    It applies in the context that enters the block, and in the tasks that this context starts.
    Other threads and tasks still call the receivers. No receiver is disconnected, so the order
    stays. `send` returns the responses of the receivers that are not muted.

    Args:
        *targets: signals or receivers. A muted signal calls no receiver. No signal calls a muted
            receiver.
        sender: mute the sends of this sender only; by default of all senders.

    Raises:
        ArgumentError: if a target is neither a signal nor callable, or no target is given.
        SenderError: if the sender is a collection of senders, or unhashable.
    """

    def __init__(self, *targets: AnySignal | Receiver, sender: object = None) -> None:
        signals = [target for target in targets if is_signal(target)]
        receivers = [target for target in targets if not is_signal(target)]
        for target in receivers:
            if not callable(target):
                raise ArgumentError(
                    f"{value_name(target)} is neither a signal nor a receiver. Mute one."
                )
        if not targets:
            raise ArgumentError("muted() was called without a target. Give signals or receivers.")
        check_sender(sender, subclasses=False)
        self._signals = frozenset(map(id, signals))
        # Kept alive, so that no other object gets one of these ids.
        self._targets = targets
        self._receivers = frozenset(map(receiver_key, receivers))
        self._sender = sender
        # A muted receiver may be connected to any signal, so watch all.
        self._watched = () if receivers else tuple(signals)
        self.unentered = "muted(...)"

    def __repr__(self) -> str:
        names = [signal_name(each) if is_signal(each) else name_of(each) for each in self._targets]
        names += [] if self._sender is None else [f"sender={sender_name(self._sender)}"]
        return f"<muted({', '.join(names)})>"

    def __call__(self, function: F) -> F:
        """Decorate a sync or async function to run muted.

        Raises:
            ArgumentError: if it is a class or a generator, whose body runs later.
        """
        self.unentered = None

        # A block for each call, because several may run at once.
        def block() -> muted:
            return muted(*self._targets, sender=self._sender)

        return cast("F", decorated(function, "muted()", block))

    def __enter__(self) -> Self:
        self.unentered = None
        entry = _Entry(self)
        self.enter(entry, entry.begin)
        return self

    def choose(self, entries: tuple[_Entry, ...]) -> _Entry:
        """Return the innermost entry of this context, or the last one."""
        active = reversed(_mutes.get())
        return next((each for each in active if each in entries), entries[-1])

    def attach(self) -> None:
        """Watch the signals."""
        attach(self, *self._watched)

    def detach(self) -> None:
        """Watch them no more."""
        detach(self, *self._watched)

    def allows(self, send: Send, receiver: Receiver) -> bool:
        """Return whether the receiver may be called."""
        if not any(each.block is self and not each.is_over for each in _mutes.get()):
            return True
        if self._sender is not None and sender_key(send.sender) != sender_key(self._sender):
            return True
        return (
            id(send.signal) not in self._signals and receiver_key(receiver) not in self._receivers
        )
