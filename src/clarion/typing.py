"""Types for annotations of code that uses signals.

The core does not import this module at run time, because importing `typing` is slow.
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

from clarion.delivery import Delivery  # noqa: TC001  # needed to resolve the options

if TYPE_CHECKING:
    from clarion._core.declare import DeclaredSignal

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
R_contra = TypeVar("R_contra", contravariant=True)
C_co = TypeVar("C_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])
Response_co = TypeVar("Response_co", covariant=True)

if TYPE_CHECKING:
    # `typing` has defaults since Python 3.13; the type checkers support them in any version.
    Own = ParamSpec("Own", default=...)  # pyright: ignore[reportGeneralTypeIssues]
    Response = TypeVar("Response", default=Any)  # pyright: ignore[reportGeneralTypeIssues]
else:
    Own = ParamSpec("Own")
    Response = TypeVar("Response")

Receiver: TypeAlias = Callable[..., Any]
"""A receiver of a plain signal."""

Responses: TypeAlias = list[tuple[Receiver, Any]]
"""The result of a send of a plain signal: each receiver with its response."""


class ReceiverWithSignal(Protocol[P, R_co]):
    """A receiver of a declared signal that requests the signal, as its first parameter."""

    def __call__(self, signal: Any, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Handle a send."""
        ...


AnyReceiver: TypeAlias = (
    Callable[P, R]
    | Callable[P, Awaitable[R]]
    | ReceiverWithSignal[P, R]
    | ReceiverWithSignal[P, Awaitable[R]]
)
"""A receiver of a declared signal, sync or async, with `signal` or without.

A receiver that requests `signal` has it as its first parameter, or gives it a default, because
no type can express "these parameters and one keyword more".
"""


class AnySignal(Protocol):
    """A signal of Clarion, or of Django where Django runs on Clarion."""

    def has_listeners(self, sender: Any = None) -> bool:
        """Return whether a send of this sender would reach a receiver."""
        ...


class NoOptions(TypedDict):
    """No options. As the type of `**unknown`, it lets a checker refuse names that are misspelt."""


class OtherOptions(TypedDict, total=False):
    """The options of `connect` and `@receiver` except the sender and the delivery.

    `clarion.Signal.connect` describes each of them, under the same name.
    """

    weak: bool | None
    dispatch_uid: Hashable | None
    priority: int
    once: bool
    subclasses: bool
    inline: bool
    replace: bool


class BlockOptions(OtherOptions, total=False):
    """The options of `connected` beside the sender and the context.

    `clarion.Signal.connect` describes each of them, under the same name.
    """

    delivery: Delivery | None


class DjangoSignal(Protocol):
    """A signal of Django, with the types of django-stubs.

    No signal of Clarion fits it: a checker could not choose between two overloads.
    """

    receivers: list[Any]
    use_caching: bool


class PlainOptions(OtherOptions, total=False):
    """The options of `connect` and `@receiver` except the delivery.

    `clarion.Signal.connect` describes each of them, under the same name.
    """

    sender: object


class ConnectOptions(PlainOptions, total=False):
    """The options of `connect` and `@receiver`.

    `clarion.Signal.connect` describes each of them, under the same name.
    """

    delivery: Delivery | None


class Fitting(Protocol[P, R_co, Q, Response_co]):
    """A receiver of a declared signal.

    It accepts the declared parameters, and its own. A function matches an overloaded protocol
    if it matches each overload. So a checker checks the first overload and infers the last.
    """

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co | Awaitable[R_co]: ...
    # For a function with exactly the declared parameters, mypy stops at this overload.
    @overload
    def __call__(  # type: ignore[overload-cannot-match]
        self,
        *args: P.args,
        **kwargs: P.kwargs,  # pyright: ignore[reportOverlappingOverload]
    ) -> Response_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> Response_co: ...


class FittingWithSignal(Protocol[P, R_co, Q, Response_co]):
    """As `Fitting`, for a receiver that requests the signal, as its first parameter."""

    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> Response_co: ...
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
    ) -> Response_co: ...


class Connector(Protocol[P, R_contra]):
    """The decorator that `@receiver` of a declared signal returns.

    The type of the function stays the same.
    """

    # A union, not two overloads: so a checker says what the receiver must accept, instead of
    # "No overload variant matches".
    def __call__(
        self,
        function: Fitting[P, R_contra, Own, Response]
        | FittingWithSignal[P, R_contra, Own, Response],
        /,
    ) -> Callable[Own, Response]:
        """Connect a function."""
        ...


class EitherConnector(Protocol[P, Q]):
    """As `Connector`, of a signal whose receivers may have either of two signatures.

    The second has one keyword more, which a receiver can request. Responses can have any type.
    """

    # Overloads, because mypy infers no type from a union of four. A function that matches several is
    # not ambiguous, because all return the same. The usual one is last: pyright reports that one.
    # mypy reports "No overload variant", also if the parameter has a name.
    @overload
    def __call__(
        self, function: FittingWithSignal[Q, object, Own, Response], /
    ) -> Callable[Own, Response]: ...
    @overload
    def __call__(
        self, function: FittingWithSignal[P, object, Own, Response], /
    ) -> Callable[Own, Response]: ...
    @overload
    def __call__(
        self, function: Fitting[Q, object, Own, Response], /
    ) -> Callable[Own, Response]: ...
    @overload
    def __call__(
        self, function: Fitting[P, object, Own, Response], /
    ) -> Callable[Own, Response]: ...


class PlainConnector(Protocol):
    """The decorator that accepts any function.

    `@receiver` returns it for a plain signal, for several signals, and with a delivery, which
    may provide more than the signal declares.
    """

    def __call__(self, function: F, /) -> F:
        """Connect a function."""
        ...


class Connectable(Protocol[C_co]):
    """A signal for the types of `@receiver`, with the decorator that it returns.

    Overloads of `@receiver` for declared and plain signals would not work: a type checker
    cannot choose between them if the declaration contains `Any`.
    """

    def _connector(self) -> C_co: ...


class Declare(Protocol):
    """The decorator that `@signal(name=...)` returns."""

    @overload
    def __call__(self, function: Callable[P, None], /) -> DeclaredSignal[P, object]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> DeclaredSignal[P, R]: ...
