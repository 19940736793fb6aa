"""Types for those who annotate what they do with signals.

Nothing in the core imports this module at run time: it does without `typing`, which is
dear to import.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import (
    TYPE_CHECKING,
    Any,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    overload,
)

from clarion.delivery import Delivery  # noqa: TC001  # who resolves the options wants it

if TYPE_CHECKING:
    from clarion._core.declare import DeclaredSignal

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
R_contra = TypeVar("R_contra", contravariant=True)
C_co = TypeVar("C_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])
Answer_co = TypeVar("Answer_co", covariant=True)

if TYPE_CHECKING:
    # `typing` has defaults since Python 3.13; the checkers heed them for any version.
    Own = ParamSpec("Own", default=...)  # pyright: ignore[reportGeneralTypeIssues]
    Answer = TypeVar("Answer", default=Any)  # pyright: ignore[reportGeneralTypeIssues]
else:
    Own = ParamSpec("Own")
    Answer = TypeVar("Answer")

Receiver: TypeAlias = Callable[..., Any]
"""Whatever can be connected to a plain signal."""

Responses: TypeAlias = list[tuple[Receiver, Any]]
"""What a send of a plain signal returns, each receiver with its answer."""


class ReceiverWithSignal(Protocol[P, R_co]):
    """A receiver of a declared signal that asks for the signal too, as its first parameter."""

    def __call__(self, signal: Any, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Take what is sent."""
        ...


AnyReceiver: TypeAlias = (
    Callable[P, R]
    | Callable[P, Awaitable[R]]
    | ReceiverWithSignal[P, R]
    | ReceiverWithSignal[P, Awaitable[R]]
)
"""Whatever can be connected to a declared signal, sync or async, with `signal` or without.

One that asks for `signal` has it as its first parameter, or gives it a default: no type
can say "these parameters and a keyword more".
"""


class AnySignal(Protocol):
    """A signal: Clarion's, or Django's where Django runs on Clarion."""

    def has_listeners(self, sender: Any = None) -> bool:
        """Tell whether anybody would hear a send of this sender."""
        ...


class PlainOptions(TypedDict, total=False):
    """What `connect` and `@receiver` take beside the receiver and its delivery."""

    sender: object
    weak: bool | None
    dispatch_uid: Hashable | None
    priority: int
    once: bool
    subclasses: bool
    inline: bool


class ConnectOptions(PlainOptions, total=False):
    """What `connect` and `@receiver` take beside the receiver."""

    delivery: Delivery | None


class Fitting(Protocol[P, R_co, Q, Answer_co]):
    """A receiver of a declared signal.

    It can be called with what is declared, and with what itself takes. A function passes for
    something overloaded if it passes for each overload, so that a checker does both: the
    first is minded, and the last found out.
    """

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co | Awaitable[R_co]: ...
    # Of a function that takes exactly what is declared, mypy reads no further than this one.
    @overload
    def __call__(  # type: ignore[overload-cannot-match]
        self,
        *args: P.args,
        **kwargs: P.kwargs,  # pyright: ignore[reportOverlappingOverload]
    ) -> Answer_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> Answer_co: ...


class FittingWithSignal(Protocol[P, R_co, Q, Answer_co]):
    """As `Fitting`, for a receiver that asks for the signal too, as its first parameter."""

    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> Answer_co: ...
    @overload
    def __call__(
        self, signal: Any, *args: P.args, **kwargs: P.kwargs
    ) -> R_co | Awaitable[R_co]: ...
    @overload
    def __call__(  # type: ignore[overload-cannot-match]
        self,
        signal: Any,
        *args: P.args,
        **kwargs: P.kwargs,  # pyright: ignore[reportOverlappingOverload]
    ) -> Answer_co: ...


class Connector(Protocol[P, R_contra]):
    """The decorator that `@receiver` of a declared signal returns.

    The function remains what it is to the checkers.
    """

    # What passes for both is not ambiguous, for both return the same. The usual one is last:
    # of a receiver that fits neither, pyright tells why it does not fit that one.
    @overload
    def __call__(
        self, function: FittingWithSignal[P, R_contra, Own, Answer], /
    ) -> Callable[Own, Answer]: ...
    @overload
    def __call__(self, function: Fitting[P, R_contra, Own, Answer], /) -> Callable[Own, Answer]: ...


class EitherConnector(Protocol[P, Q]):
    """As `Connector`, of a signal whose receivers may have either of two signatures.

    The second has one keyword more, which a receiver gets if it asks for it. Answers do not
    matter.
    """

    # As in Connector: the usual one is last.
    @overload
    def __call__(
        self, function: FittingWithSignal[Q, object, Own, Answer], /
    ) -> Callable[Own, Answer]: ...
    @overload
    def __call__(
        self, function: FittingWithSignal[P, object, Own, Answer], /
    ) -> Callable[Own, Answer]: ...
    @overload
    def __call__(self, function: Fitting[Q, object, Own, Answer], /) -> Callable[Own, Answer]: ...
    @overload
    def __call__(self, function: Fitting[P, object, Own, Answer], /) -> Callable[Own, Answer]: ...


class PlainConnector(Protocol):
    """The decorator that takes any function.

    `@receiver` returns it for a plain signal, for several signals, and with a delivery, which
    may give a receiver more than the signal declares.
    """

    def __call__(self, function: F, /) -> F:
        """Connect a function."""
        ...


class Connectable(Protocol[C_co]):
    """A signal as `@receiver` sees it: it tells which decorator that returns.

    `@receiver` cannot ask whether it was given a declared signal or a plain one: a checker
    that has to choose gives up where the declaration has an `Any`.
    """

    def _connector(self) -> C_co: ...


class Declare(Protocol):
    """The decorator that `@signal(name=...)` returns."""

    @overload
    def __call__(self, function: Callable[P, None], /) -> DeclaredSignal[P, object]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> DeclaredSignal[P, R]: ...
