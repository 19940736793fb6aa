"""@signal: a signal declared by the signature of a function.

The function is never called. Every send must give its parameters and every receiver must
accept them, for the type checkers and at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from clarion._core import names
from clarion._core.compiled import is_compiled
from clarion._core.own_sends import give_own_class, own_send
from clarion._core.policy import DeclaredPolicy
from clarion._core.signal import Signal, watch_copies
from clarion._core.signatures import signature_of
from clarion._core.tabled import set_policy
from clarion.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from inspect import Parameter
    from typing import Unpack

    from clarion._core.signatures import Receiver
    from clarion.delivery import Delivery
    from clarion.typing import (
        AnyReceiver,
        BlockOptions,
        ConnectOptions,
        Connector,
        Declare,
        OtherOptions,
        PlainConnector,
        PlainOptions,
    )

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound="Callable[..., Any]")


class DeclaredSignal(Signal, Generic[P, R]):
    """A signal whose sends and receivers are checked against a signature.

    `signal` creates it. Receivers need no `**kwargs`; they get `signal` only if they have
    a parameter of that name.

    Args:
        function: the function that declares it. Its first parameter is `sender`; the
            others can be given by keyword. A send may omit a parameter with a default.
        name: the name of the signal; by default, that of the function.

    Raises:
        DeclarationError: if the function's signature cannot declare a signal.
    """

    # How this kind of signal behaves; a kind derived from it may override it.
    policy_class: type[DeclaredPolicy] = DeclaredPolicy
    _own_send = own_send  # the compiled sends call it

    if TYPE_CHECKING:
        # The methods of Signal with the declared parameters. They have no docstring, so that
        # an editor shows that of Signal.
        @overload  # type: ignore[override]
        def connect(
            self,
            receiver: AnyReceiver[P, R],
            sender: object = None,
            **options: Unpack[BlockOptions],
        ) -> Any: ...
        # A delivery may provide more than is declared.
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
        def connect(self, **options: Unpack[ConnectOptions]) -> Connector[P, R]: ...
        def connect(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, receiver: Any = None, sender: object = None, **options: Any
        ) -> Any: ...
        @overload
        def connected(
            self,
            receiver: AnyReceiver[P, R],
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
        def connected(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, receiver: Any, sender: object = None, **options: Any
        ) -> Any: ...
        def _connector(self) -> Connector[P, R]: ...  # type: ignore[override]
        def send(  # type: ignore[override]
            self, *args: P.args, **kwargs: P.kwargs
        ) -> list[tuple[Receiver, R]]: ...
        def send_robust(  # type: ignore[override]
            self, *args: P.args, **kwargs: P.kwargs
        ) -> list[tuple[Receiver, R | Exception]]: ...
        async def asend(  # type: ignore[override]
            self, *args: P.args, **kwargs: P.kwargs
        ) -> list[tuple[Receiver, R]]: ...
        async def asend_robust(  # type: ignore[override]
            self, *args: P.args, **kwargs: P.kwargs
        ) -> list[tuple[Receiver, R | Exception]]: ...

    def __init__(self, function: Callable[P, R], *, name: str | None = None) -> None:
        parameters = _parameters(function)
        super().__init__(name=name or names.name_of(function))
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        watch_copies(self, getattr(function, "__globals__", {}))
        defaults = {
            keyword: parameter.default
            for keyword, parameter in parameters.items()
            if parameter.default is not parameter.empty
        }
        set_policy(self, self.policy_class(parameters, defaults))
        if not is_compiled():
            give_own_class(self, type(self), Signal)


def _parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the parameters after `sender`, by name; refuse an invalid declaration."""
    if not callable(function):
        raise DeclarationError(
            f"signal() was given {names.value_name(function)}, which cannot declare a signal. "
            f"Write @signal or @signal(name=...) above a function, or create a Signal(name=...)."
        )
    signature = signature_of(function)
    parameters = {} if signature is None else dict(signature.parameters)
    first = next(iter(parameters), None)
    if first != "sender" or parameters[first].default is not parameters[first].empty:
        raise DeclarationError(
            f"{names.described(function)} cannot declare a signal, because its first parameter "
            f"is not a `sender` without a default. Write `def name(sender, *, ...)`."
        )
    if any(
        parameter.kind.name not in {"POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"}
        for parameter in parameters.values()
    ):
        raise DeclarationError(
            f"{names.described(function)} cannot declare a signal, because a send cannot give "
            f"every parameter by name. Leave out `/`, `*args` and `**kwargs`."
        )
    del parameters["sender"]
    if "signal" in parameters:
        raise DeclarationError(
            f"{names.described(function)} cannot declare a signal with a parameter 'signal', "
            f"which the send itself gives to receivers. Choose another name for it."
        )
    return parameters


@overload
def signal(function: Callable[P, None], /) -> DeclaredSignal[P, object]: ...
@overload
def signal(function: Callable[P, R], /) -> DeclaredSignal[P, R]: ...
@overload
def signal(*, name: str) -> Declare: ...
def signal(function: Any = None, /, *, name: str | None = None) -> Any:
    """Declare a signal by the signature of a function, whose body is never run.

    Args:
        function: the decorated function, `def name(sender, *, keyword: type, ...)`. Its
            return type is that of the responses; with `None`, they can be anything. With
            another type, mypy requires the body `raise NotImplementedError`.
        name: the name of the signal, as in `@signal(name="orders.paid")`; by default, that
            of the function.

    Returns:
        A `DeclaredSignal`.

    Raises:
        DeclarationError: if the signature cannot declare a signal.
    """
    if function is None:

        def declare(function: Callable[P, R]) -> DeclaredSignal[P, R]:
            return DeclaredSignal(function, name=name)

        return declare
    return DeclaredSignal(function, name=name)
