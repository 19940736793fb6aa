"""The signals of bulk writes: one call writes many rows and sends no signal for each.

`bulk_create`, `bulk_update`, `QuerySet.update` and deletes that load no objects do not send
`post_save` and `post_delete`. They send these signals instead. QuerySet's methods are replaced
when the first receiver is connected, and are Django's own again after `uninstall()`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from django.apps import apps
from django.db.models import QuerySet
from django.db.models.utils import make_model_tuple

from clarion._core.declare import DeclaredSignal
from clarion._core.names import described, signal_name
from clarion._core.signal import MISSING
from clarion._core.tabled import table_of
from clarion.envelope import KeywordConversion, store_by_type
from clarion.integrations.django.dispatch.install import add_install_hooks
from clarion.integrations.django.dispatch.policy import AsgirefPolicy
from clarion.integrations.django.dispatch.senders import (
    add_model_signal,
    warn_of_sender,
    warn_of_text,
)
from clarion.integrations.django.orm import bulk_warnings
from clarion.integrations.django.orm.method_hooks import MethodHooks
from clarion.integrations.django.orm.queryset import BulkMethods
from clarion.policy import DeclaredPolicy
from clarion.signals import BulkWriteWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Never

    from django.db.models.signals import ModelSignal

__all__ = [
    "BulkWriteWarning",
    "post_bulk_delete",
    "post_bulk_insert",
    "post_bulk_update",
    "warn_of_bulk_writes",
]

P = ParamSpec("P")
R = TypeVar("R")


def _attach(sender: object = None, subclasses: bool = False) -> None:  # noqa: ARG001, FBT001, FBT002
    _hooks.attach()


class BulkPolicy(AsgirefPolicy, DeclaredPolicy):
    """The policy of the signals of bulk writes, which are declared."""

    __slots__ = ()


if TYPE_CHECKING:
    # So that a program with django-stubs may pass a bulk signal to Django's functions.
    class _Base(  # pyright: ignore[reportIncompatibleMethodOverride]
        DeclaredSignal[P, R], ModelSignal
    ):
        receivers: Never  # so that it is no `clarion.typing.DjangoSignal`

else:
    _Base = DeclaredSignal


class BulkSignal(_Base[P, R]):
    """A signal that Django's querysets send.

    The sender is a model or its name, "app.Model", which need not be loaded yet.

    Args:
        function: the function that declares it, as for `signal`.
    """

    policy_class = BulkPolicy

    def __init__(self, function: Callable[P, R]) -> None:
        super().__init__(function)
        table_of(self).on_listening = _attach

    if not TYPE_CHECKING:  # the checkers use the declaration

        def connect(
            self, receiver: Any = MISSING, sender: object = None, *args: Any, **options: Any
        ) -> Any:
            """Call a receiver at each send, as `Signal.connect`."""
            if receiver is MISSING:
                return lambda function: self.connect(function, sender, *args, **options)
            if isinstance(sender, str):
                warn_of_text(receiver, sender)
            connect = LazyConnect(self, super().connect, receiver, args, options)
            _when_loaded(sender, connect)
            return receiver

        def disconnect(
            self,
            receiver: Any = None,
            sender: object = None,
            dispatch_uid: Hashable | None = None,
        ) -> bool:
            """Stop calling a receiver, as `Signal.disconnect`."""
            disconnect, results = super().disconnect, []
            _when_loaded(
                sender, lambda model: results.append(disconnect(receiver, model, dispatch_uid))
            )
            return any(results)


class LazyConnect:
    """Connects a receiver to a model, now or when the model is loaded.

    Django's check of models that are never loaded shows its repr.

    Attributes:
        signal: the signal.
        receiver: the receiver.
    """

    __name__ = "connect"

    def __init__(
        self,
        signal: Any,
        connect: Any,
        receiver: Any,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        self.signal = signal
        self._connect = connect
        self.receiver = receiver
        self._args = args
        self._options = options

    def __call__(self, model: object) -> None:
        """Connect the receiver to this model."""
        subclasses = bool(self._options.get("subclasses"))
        warn_of_sender(self.signal, self.receiver, model, subclasses=subclasses)
        self._connect(self.receiver, model, *self._args, **self._options)

    def __repr__(self) -> str:
        return f"Receiver {described(self.receiver)} of {signal_name(self.signal)}"


def _when_loaded(sender: object, act: Callable[[object], None]) -> None:
    """Call a function with a model, as soon as the model is loaded."""
    if isinstance(sender, str):
        apps.lazy_model_operation(act, make_model_tuple(sender))
    else:
        act(sender)


def _declare(function: Callable[P, None]) -> BulkSignal[P, object]:
    declared = BulkSignal[P, object](function)
    add_model_signal(declared)
    return declared


@_declare
def post_bulk_insert(
    *,
    sender: type[Any],
    criteria: None,
    rowcount: int | None,
    pk_set: set[Any] | None,
    using: str,
    objs: tuple[Any, ...],
    on_conflict: str | None,
) -> None:
    """`bulk_create` wrote `objs`; `on_conflict` is None, "ignore" or "update"."""


@_declare
def post_bulk_update(
    *,
    sender: type[Any],
    criteria: Any,
    rowcount: int | None,
    pk_set: set[Any] | None,
    using: str,
    update_fields: frozenset[str],
    values: dict[str, Any] | None,
    objs: tuple[Any, ...] | None,
) -> None:
    """`update` set `values`, or `bulk_update` wrote `update_fields` of `objs`."""


@_declare
def post_bulk_delete(
    *,
    sender: type[Any],
    criteria: Any,
    rowcount: int | None,
    pk_set: set[Any] | None,
    using: str,
) -> None:
    """Rows were deleted without loading their objects, so no `post_delete` was sent."""


def _drop(*_: object) -> None:
    """Return None: what is stored, and what comes back."""


_SIGNALS = post_bulk_insert, post_bulk_update, post_bulk_delete
# A stored send has no criteria, which are a query and not data.
store_by_type(
    *_SIGNALS,
    keywords={"criteria": KeywordConversion(_drop, _drop)},
)
_hooks = MethodHooks(QuerySet, BulkMethods(*_SIGNALS).by_name())


def warn_of_bulk_writes(on: bool = True) -> ExitStack:  # noqa: FBT001, FBT002
    """Emit a `~clarion.signals.BulkWriteWarning` at each bulk write, in every thread.

    It names the receivers that the write does not call.

    Args:
        on: False turns the warnings off.

    Returns:
        A context manager, which need not be entered; leaving it restores the previous state.
    """
    undo = ExitStack()
    undo.callback(warn_of_bulk_writes, bulk_warnings.enable_warnings(on))
    if on:
        _attach()
    return undo


def _resume() -> None:
    """Replace QuerySet's methods again, if they are still needed."""
    tables = [table_of(signal) for signal in _SIGNALS]
    if bulk_warnings.are_enabled() or any(
        table.registrations() or table.instruments for table in tables
    ):
        _attach()


add_install_hooks(_resume, _hooks.detach)
