"""The kind of signal that this door sends: declared, and attached when somebody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from clarion._core import instrument
from clarion._core.declare import DeclaredSignal
from clarion._core.table import Table
from clarion.integrations.sqlalchemy import senders
from clarion.integrations.sqlalchemy.flush import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Unpack

    from clarion._core.registration import Registration
    from clarion._core.signatures import Receiver
    from clarion.delivery import Delivery
    from clarion.typing import AnyReceiver, ConnectOptions, EitherConnector, PlainOptions

    # Attaches what lets a signal be sent, for a sender (None for any) and, perhaps, for its
    # subclasses. It is called at every connect, and does nothing the second time.
    Attach = Callable[[object, bool], None]

    # Raises for what is no sender of a signal.
    Check = Callable[[object], None]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")


class ModelTable(Table):
    """The table of a model signal, which attaches the signal as soon as somebody watches it."""

    __slots__ = ("attach",)

    attach: Attach

    def forget_routes(self) -> None:
        """Drop all routes, because somebody has begun or ceased to watch the signal."""
        super().forget_routes()
        if any(each.listens for each in self.instruments + instrument.everywhere):
            self.attach(None, True)  # noqa: FBT003


class ModelSignal(DeclaredSignal[P, R]):
    """A signal that SQLAlchemy's sessions, mappers or pools have sent.

    `connect`, `disconnect` and `receiver` take as the sender a mapped class, or text: the
    name of a class or "module:Class". Text is resolved now, or when the class is mapped.
    A many-to-many relationship, `Book.authors`, stands for its association table.

    Args:
        function: the function that declares it, as for `signal`.
        attach: what to call when the first receiver is connected.
        check: what to call with each sender that is given.
    """

    def __init__(self, function: Callable[P, R], attach: Attach, check: Check) -> None:
        super().__init__(function)
        self._check = check
        table = ModelTable(self._table.name, self._table.home)
        table.keywords = self._table.keywords
        table.attach = attach
        self._table: ModelTable = table  # pyright: ignore[reportIncompatibleVariableOverride]

    if not TYPE_CHECKING:  # the checkers go by what was declared

        def connect(self, receiver: Any, sender: object = None, *args: Any, **options: Any) -> None:
            """Have a receiver called at each send, as `Signal.connect`."""
            self._check(sender)
            sender = senders.resolve(sender)
            super().connect(receiver, sender, *args, **options)
            if isinstance(sender, senders.UNRESOLVED):
                senders.await_mapping(self, sender)
            else:
                self._table.attach(sender, options.get("subclasses", False))

        def disconnect(
            self,
            receiver: Any = None,
            sender: object = None,
            dispatch_uid: Hashable | None = None,
        ) -> bool:
            """Have a receiver called no more, as `Signal.disconnect`."""
            return super().disconnect(receiver, senders.resolve(sender), dispatch_uid)

    def _find(
        self, receiver: Any, sender: object = None, dispatch_uid: Hashable | None = None
    ) -> Registration | None:
        return super()._find(receiver, senders.resolve(sender), dispatch_uid)

    def _check_sender(self, sender: object, *, subclasses: bool) -> None:
        if not isinstance(sender, senders.UNRESOLVED):
            super()._check_sender(sender, subclasses=subclasses)


class SaveSignal(ModelSignal[P, object], Generic[P, Q]):
    """The signal of a save, whose receivers may ask for its `changes`.

    To the checkers, `Q` is what is declared with `changes` beside it: no type can say
    "these parameters and a keyword more".
    """

    _provides = ("signal", "changes")

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def connect(
            self,
            receiver: AnyReceiver[P, object] | AnyReceiver[Q, object],
            **options: Unpack[ConnectOptions],
        ) -> None: ...
        @overload
        def connect(
            self, receiver: Receiver, *, delivery: Delivery, **options: Unpack[PlainOptions]
        ) -> None: ...
        def connect(self, receiver: Any, **options: Any) -> None: ...  # noqa: D102
        def _connector(self) -> EitherConnector[P, Q]: ...  # type: ignore[override]

    def _provide(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "changes":
            return changes.changes_of(arguments["instance"])
        return super()._provide(name, arguments)


def sent_by(
    attach: Attach, *, check: Check = senders.check_class
) -> Callable[[Callable[P, None]], ModelSignal[P, object]]:
    """Declare a model signal by the signature of a function, as `signal` does."""

    def declare(function: Callable[P, Any]) -> ModelSignal[P, object]:
        return ModelSignal(function, attach, check)

    return declare


def saved_by(
    attach: Attach,
    asked: Callable[Q, None],  # noqa: ARG001  # it tells the checkers what Q is
) -> Callable[[Callable[P, None]], SaveSignal[P, Q]]:
    """Declare the signal of a save by two signatures: `asked` has `changes` beside the rest."""

    def declare(function: Callable[P, Any]) -> SaveSignal[P, Q]:
        return SaveSignal(function, attach, senders.check_class)

    return declare
