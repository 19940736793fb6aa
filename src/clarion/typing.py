"""Types for those who annotate what they do with signals.

Nothing in the core imports this module at run time: it does without `typing`, which is
dear to import.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    overload,
)

if TYPE_CHECKING:
    from clarion._core.declare import DeclaredSignal
    from clarion.delivery import Delivery

P = ParamSpec("P")
R = TypeVar("R")

Receiver: TypeAlias = Callable[..., Any]
"""Whatever can be connected to a plain signal."""

Responses: TypeAlias = list[tuple[Receiver, Any]]
"""What a send of a plain signal returns, each receiver with its answer."""

AnyReceiver: TypeAlias = (
    Callable[P, R]
    | Callable[P, Awaitable[R]]
    | Callable[Concatenate[Any, P], R]
    | Callable[Concatenate[Any, P], Awaitable[R]]
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


class ConnectOptions(TypedDict, total=False):
    """What `connect` and `@receiver` take beside the receiver."""

    sender: object
    weak: bool | None
    dispatch_uid: Hashable | None
    priority: int
    once: bool
    subclasses: bool
    inline: bool
    delivery: Delivery | None


class Connector(Protocol[P, R]):
    """The decorator that `@receiver` of a declared signal returns."""

    # Of an async receiver the first is true, of a sync one the second; those after them
    # ask for the signal too. mypy minds that a sender of type Any would fit two of them.
    @overload
    def __call__(self, function: Callable[P, Awaitable[R]], /) -> Callable[P, Awaitable[R]]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, R], /
    ) -> Callable[P, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Awaitable[R]], /
    ) -> Callable[Concatenate[Any, P], Awaitable[R]]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], R], /
    ) -> Callable[Concatenate[Any, P], R]: ...


class Declare(Protocol):
    """The decorator that `@signal(name=...)` returns."""

    @overload
    def __call__(self, function: Callable[P, None], /) -> DeclaredSignal[P, object]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> DeclaredSignal[P, R]: ...
