"""The class of SQLAlchemy's signals: declared, and attached at the first connect.

A receiver of an unresolved sender is connected to the text or relationship, and to the class
or table once that exists. So it can be listed, disconnected, and restored by tests before that.

Nothing here attaches a listener. `hooks` gives each signal a function that does.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload
from weakref import WeakSet

from clarion._core.declare import DeclaredSignal
from clarion._core.duplicates import check_added
from clarion._core.registration import Registration, sender_key
from clarion._core.signal import MISSING
from clarion._core.tabled import table_of
from clarion.changes import Changes, merge_changes
from clarion.integrations.sqlalchemy import senders, waiting
from clarion.integrations.sqlalchemy.rows.changes import (
    changes_of,
    is_equal_value,
    is_same_row,
    last_values_of,
)
from clarion.policy import DeclaredPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Self, Unpack

    from clarion._core.signatures import Receiver
    from clarion.delivery import Delivery
    from clarion.typing import (
        AnyReceiver,
        BlockOptions,
        ConnectOptions,
        EitherConnector,
        OtherOptions,
        PlainConnector,
        PlainOptions,
    )

    # Attaches the listeners that send a signal, for a sender (None: any) and whether its
    # subclasses too. It is called at every connect, and does nothing the second time.
    Attach = Callable[[object, bool], None]

    # Raises for an invalid sender.
    Check = Callable[[object], None]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
F = TypeVar("F", bound="Callable[..., Any]")


class ModelPolicy(DeclaredPolicy):
    """The policy of a model signal, whose senders may be unresolved."""

    __slots__ = ()

    def check_sender(self, sender: object, *, subclasses: bool) -> None:
        """Accept an unresolved sender; check the others as usual."""
        if not senders.is_unresolved(sender):
            super().check_sender(sender, subclasses=subclasses)
            if not subclasses:
                senders.check_has_rows(sender)

    def resolve_sender(self, sender: object) -> object:
        """Return the class or the table that a sender names, or the sender itself."""
        return senders.resolve(sender)


class SavePolicy(ModelPolicy):
    """The policy of a save, whose receivers may request its `changes`."""

    __slots__ = ()

    provides = ("signal", "changes")

    def provide(self, signal: Any, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return the changes of the instance, or the signal."""
        if name == "changes":
            return self._changes(arguments["instance"])
        return super().provide(signal, name, arguments)

    def _changes(self, instance: Any) -> Changes:
        return changes_of(instance)

    def merge(self, name: str, sends: Sequence[Mapping[str, Any]]) -> Any:
        """Merge the changes of all sends that concern the row of the last send."""
        if name != "changes":
            return super().merge(name, sends)
        instance = sends[-1]["instance"]
        same = [each for each in sends if is_same_row(each.get("instance"), instance)]
        found = [each[name] for each in same if isinstance(each.get(name), Changes)]
        return merge_changes(found, partial(is_equal_value, instance))


class DeletePolicy(SavePolicy):
    """The policy of a deletion, whose receivers may request the last values."""

    __slots__ = ()

    def _changes(self, instance: Any) -> Changes:
        return last_values_of(instance)


# The signals that have a registration of an unresolved sender.
_unresolved: WeakSet[ModelSignal[..., Any]] = WeakSet()


class ModelSignal(DeclaredSignal[P, R]):
    """A signal that SQLAlchemy's sessions, mappers or pools send.

    `connect`, `disconnect` and `receiver` take as the sender a mapped class, or text: the
    name of a class or "module:Class". Text is resolved now, or when the class is mapped.
    A many-to-many relationship, such as `Book.authors`, is replaced by its association table.

    Args:
        function: the function that declares it, as for `signal`.
        check: called with each sender that is given to `connect`.
    """

    policy_class: type[DeclaredPolicy] = ModelPolicy

    def __init__(self, function: Callable[P, R], check: Check) -> None:
        super().__init__(function)
        self._check = check

    def __copy__(self) -> Self:
        return self._watch_copy(super().__copy__())

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._watch_copy(super().__deepcopy__(memo))

    def _watch_copy(self, copied: Self) -> Self:
        if self in _unresolved:
            _unresolved.add(copied)
        return copied

    if not TYPE_CHECKING:  # the type checkers use the declared signature

        def connect(
            self, receiver: Any = MISSING, sender: object = None, *args: Any, **options: Any
        ) -> Any:
            """Call a receiver at each send, like `Signal.connect`."""
            self._check(sender)
            if receiver is MISSING:
                return lambda function: self.connect(function, sender, *args, **options)
            sender = senders.resolve(sender)
            super().connect(receiver, sender, *args, **options)
            if senders.is_unmapped(sender) or isinstance(sender, str):
                waiting.watch(self)
            if senders.is_unresolved(sender):
                _unresolved.add(self)
                # Another thread may have mapped the class before the listeners were attached.
                if senders.resolve(sender) is not sender:
                    self.connect_resolved()
            return receiver

        def disconnect(
            self,
            receiver: Any = None,
            sender: object = None,
            dispatch_uid: Hashable | None = None,
        ) -> bool:
            """Disconnect a receiver, like `Signal.disconnect`."""
            return super().disconnect(receiver, senders.resolve(sender), dispatch_uid)

    def attach_by(self, attach: Attach) -> None:
        """Set the function that attaches the listeners of this signal."""
        table_of(self).on_listening = attach
        table_of(self).forget_routes()  # an instrument may watch every signal already

    def attach(self) -> None:
        """Attach the listeners that send this signal, for every sender."""
        self._attach(None, subclasses=True)

    def _attach(self, sender: object, *, subclasses: bool) -> None:
        attach = table_of(self).on_listening
        if attach is not None:  # `hooks` sets it
            attach(sender, subclasses)

    def connect_resolved(self, mapped: type | None = None) -> None:
        """Move registrations whose sender exists now to that sender.

        Args:
            mapped: the class that is being mapped, to move its registrations only.
        """
        for registration in table_of(self).registrations():
            sender = registration.sender
            if not senders.is_unresolved(sender):
                continue
            resolved = senders.resolve_to(mapped, sender) if mapped else senders.resolve(sender)
            if resolved is not sender:
                self._move(registration, resolved)

    def _move(self, old: Registration, sender: object) -> None:
        receiver, table = old.live(), table_of(self)
        table.discard(old)
        if receiver is None:
            return
        table.policy.check_sender(sender, subclasses=old.subclasses)
        new = old.copy(receiver, sender_key(sender), table.finalizer)
        if not table.add(new, sender):
            check_added(table, new)
        self._attach(sender, subclasses=old.subclasses)


def connect_resolved(mapped: type | None = None) -> None:
    """Move the registrations of every signal whose sender exists now.

    Args:
        mapped: the class that is being mapped, to move its registrations only.
    """
    for signal in list(_unresolved):
        signal.connect_resolved(mapped)


class SaveSignal(ModelSignal[P, object], Generic[P, Q]):
    """The signal of a save or a deletion, whose receivers may request its `changes`.

    For the type checkers, `Q` is the declared signature with `changes` added, because no
    type can express "these parameters and one keyword more".
    """

    policy_class = SavePolicy

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def connect(
            self,
            receiver: AnyReceiver[P, object] | AnyReceiver[Q, object],
            sender: object = None,
            **options: Unpack[BlockOptions],
        ) -> Any: ...
        @overload
        def connect(
            self,
            receiver: Receiver,
            sender: object = None,
            *,
            delivery: Delivery,
            **options: Unpack[OtherOptions],
        ) -> Any: ...
        @overload
        def connect(  # pyright: ignore[reportOverlappingOverload]
            self, *, delivery: Delivery, **options: Unpack[PlainOptions]
        ) -> PlainConnector: ...
        @overload
        def connect(self, **options: Unpack[ConnectOptions]) -> EitherConnector[P, Q]: ...
        def connect(  # noqa: D102  # pyright: ignore[reportIncompatibleMethodOverride]
            self, receiver: Any = None, sender: object = None, **options: Any
        ) -> Any: ...
        @overload
        def connected(
            self,
            receiver: AnyReceiver[P, object] | AnyReceiver[Q, object],
            sender: object = None,
            *,
            context: bool = False,
            **options: Unpack[BlockOptions],
        ) -> AbstractContextManager[Any, None]: ...
        @overload
        def connected(
            self,
            receiver: F,
            sender: object = None,
            *,
            context: bool = False,
            delivery: Delivery,
            **options: Unpack[OtherOptions],
        ) -> AbstractContextManager[F, None]: ...
        def connected(  # noqa: D102  # pyright: ignore[reportIncompatibleMethodOverride]
            self, receiver: Any, sender: object = None, **options: Any
        ) -> Any: ...
        def _connector(self) -> EitherConnector[P, Q]: ...  # type: ignore[override]


class DeleteSignal(SaveSignal[P, Q], Generic[P, Q]):
    """The signal of a deletion."""

    policy_class = DeletePolicy


class PreparedSignal(ModelSignal[P, object]):
    """The signal of a class that is mapped, which is sent once for each class."""

    if not TYPE_CHECKING:

        def connect(
            self, receiver: Any = MISSING, sender: object = None, *args: Any, **options: Any
        ) -> Any:
            """Call a receiver at each send, like `Signal.connect`; warn if the class is mapped already."""
            if receiver is not MISSING and not options.get("subclasses"):
                waiting.warn_of_mapped(receiver, sender)
            return super().connect(receiver, sender, *args, **options)


def prepared_signal(function: Callable[P, None]) -> PreparedSignal[P]:
    """Declare the signal of classes that are mapped, as `signal` does."""
    return PreparedSignal[P](function, senders.check_class)


def class_signal(function: Callable[P, None]) -> ModelSignal[P, object]:
    """Declare a signal whose senders are classes, as `signal` does."""
    return ModelSignal[P, object](function, senders.check_class)


def driver_signal(function: Callable[P, None]) -> ModelSignal[P, object]:
    """Declare a signal whose senders are classes of connections, as `signal` does."""
    return ModelSignal[P, object](function, senders.check_driver)


def table_signal(function: Callable[P, None]) -> ModelSignal[P, object]:
    """Declare a signal whose senders are association tables, as `signal` does."""
    return ModelSignal[P, object](function, senders.check_table)


def save_signal(
    with_changes: Callable[Q, None],  # noqa: ARG001  # the type checkers infer Q from it
) -> Callable[[Callable[P, None]], SaveSignal[P, Q]]:
    """Declare the signal of a save by two signatures, without and with `changes`."""

    def declare(function: Callable[P, Any]) -> SaveSignal[P, Q]:
        return SaveSignal(function, senders.check_class)

    return declare


def delete_signal(
    with_changes: Callable[Q, None],  # noqa: ARG001
) -> Callable[[Callable[P, None]], DeleteSignal[P, Q]]:
    """Declare the signal of a deletion, as `save_signal`."""

    def declare(function: Callable[P, Any]) -> DeleteSignal[P, Q]:
        return DeleteSignal(function, senders.check_class)

    return declare
