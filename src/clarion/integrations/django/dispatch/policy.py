"""How Django's signals behave: receivers checked under DEBUG only, asgiref for threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from clarion._core.loops import Outcome
from clarion._core.names import described
from clarion._core.registration import check_subclasses
from clarion._core.signatures import accepts_any_keyword, asks_for, refuse_uncallable
from clarion.errors import SignatureError
from clarion.policy import DeclaredPolicy, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TypeVar

    Receiver = Callable[..., Any]
    T = TypeVar("T")


class AsgirefPolicy(Policy):
    """Coroutines and threads by asgiref, so that a receiver has its thread's connections."""

    __slots__ = ()

    def run_coroutine(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion with `async_to_sync`."""

        async def run() -> T:
            return await coroutine

        return async_to_sync(run)()

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Call a function with `sync_to_async`, in the thread for sensitive code."""
        outcome = Outcome(function)
        await sync_to_async(outcome, thread_sensitive=True)()
        response: T = outcome.result()
        return response


class DjangoPolicy(AsgirefPolicy):
    """The policy of Django's own signals."""

    __slots__ = ()

    def check_receiver(
        self,
        signal: Any,  # noqa: ARG002
        receiver: Receiver,
        provided: tuple[str, ...] = (),  # noqa: ARG002
        flags: int = 0,  # noqa: ARG002
    ) -> None:
        """Refuse a receiver that a send could not call, if DEBUG is set, as Django does."""
        if not (settings.configured and settings.DEBUG):
            return
        if not callable(receiver):
            refuse_uncallable(receiver)
        if not accepts_any_keyword(receiver):
            raise SignatureError(
                f"Signal receivers must accept keyword arguments (**kwargs). "
                f"Add **kwargs to {described(receiver)}.",
                receiver,
            )

    def check_sender(self, sender: object, *, subclasses: bool) -> None:
        """Accept any sender, as Django does; `subclasses` needs a class."""
        check_subclasses(sender, subclasses=subclasses)

    def log_failure(self, signal: Any, receiver: Receiver, error: Exception) -> None:
        """Log through the method of Django's class, which a subclass may override."""
        signal._log_robust_failure(receiver, error)


class SavePolicy(DjangoPolicy):
    """The policy of `pre_save` and `post_save`, which provide the `changes` of the save."""

    __slots__ = ()

    provides = ("changes",)

    def requested(self, receiver: Receiver) -> tuple[str, ...]:
        """Return the request for `changes`, with what to do where they are not known."""
        if not asks_for(receiver, "changes"):
            return ()
        # Late, because it needs the models, which may not be loaded yet.
        from clarion.integrations.django.orm.changes import Wanted

        return (Wanted.by(receiver),)

    def provide(self, signal: Any, name: Any, arguments: Any) -> Any:  # noqa: ARG002
        """Return the changes of the save, or the default of the receiver's parameter."""
        return name.found(arguments)


class BulkPolicy(AsgirefPolicy, DeclaredPolicy):
    """The policy of the signals of bulk writes, which are declared."""

    __slots__ = ()


DJANGO = DjangoPolicy()
SAVES = SavePolicy()
