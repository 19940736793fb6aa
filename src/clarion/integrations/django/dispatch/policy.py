"""Differences of Django's signals: checks under DEBUG only, threads from asgiref."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from clarion._core.callers import warn_caller
from clarion._core.checks import (
    check_subclasses,
    collection_message,
    is_collection,
    refuse_signature,
)
from clarion._core.loops import Outcome
from clarion._core.signatures import accepts_any_keyword
from clarion._core.usable import check_bound
from clarion.errors import SenderWarning
from clarion.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TypeVar

    Receiver = Callable[..., Any]
    T = TypeVar("T")


class AsgirefPolicy(Policy):
    """Runs coroutines and threads through asgiref, so that a receiver uses its caller's connections."""

    __slots__ = ()

    def run_coroutine(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion with `async_to_sync`."""
        # The result and the error do not go through asgiref. Its frames would hold them, and an
        # error holds these frames.
        results: list[T] = []
        errors: list[BaseException] = []

        async def run() -> None:
            try:
                results.append(await coroutine)
            except BaseException as error:  # noqa: BLE001
                errors.append(error)

        async_to_sync(run)()
        if errors:
            raise errors.pop()
        return results.pop()

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Call a function with `sync_to_async`, in asgiref's thread for sync code."""
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
        """Refuse a receiver that no send could call; only under DEBUG, as in Django."""
        if not (settings.configured and settings.DEBUG):
            return
        if not accepts_any_keyword(receiver):
            refuse_signature(receiver)
        check_bound(receiver)

    def check_sender(self, sender: object, *, subclasses: bool) -> None:
        """Accept any sender, as Django does; `subclasses` needs a class.

        A collection of senders, which never matches, gives a warning.
        """
        check_subclasses(sender, subclasses=subclasses)
        if is_collection(sender):
            warn_caller(collection_message(sender), SenderWarning)

    def log_failure(self, signal: Any, receiver: Receiver, error: Exception) -> None:
        """Log through the method of Django's class, which a subclass may override."""
        signal._log_robust_failure(receiver, error)  # noqa: SLF001  # Django's


DJANGO = DjangoPolicy()

# The keys are ids of Django's own signals, which are never deleted.
_policies: dict[int, Policy] = {}


def register_policy(signal: Any, policy: Policy) -> None:
    """Give one of Django's signals its own policy, before `install` is called."""
    _policies[id(signal)] = policy


def policy_for(signal: Any) -> Policy:
    """Return the policy for the table of a Django signal."""
    return _policies.get(id(signal), DJANGO)
