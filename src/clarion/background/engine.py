"""The protocol of an engine that carries out calls of receivers."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from clarion._core.loops import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background.call import Call
    from clarion.background.options import CallOptions


class Engine(Protocol):
    """Hands calls of receivers to a task engine. Derive from it, and define `enqueue` at least.

        class Threads(Engine):
            name = "a thread pool"

            def enqueue(self, call):
                pool.submit(deliver, call.body)

        threads = EngineDelivery(Threads())

    Attributes:
        name: how messages name it.
        keeps_order: whether calls with the same key run in the order of their sends.
        in_transaction: whether `enqueue_in` can write a call in the sender's own transaction.
        holds_thread: whether `enqueue` may wait for a broker that does not answer. Then the delivery
            calls it in a thread of its own, and stops waiting after its `hold`.
        longest_wait: how long `enqueue` waits at most, as its client is configured, in seconds. The
            delivery needs no thread if this is not longer than its `hold`.
    """

    name: str = "the engine"
    keeps_order: bool = False
    in_transaction: bool = False
    holds_thread: bool = False
    longest_wait: float = inf

    def enqueue(self, call: Call) -> None:
        """Give a call to the engine, and return once its broker has confirmed it.

        Raises:
            Exception: if the broker may not have received it.
        """
        raise NotImplementedError

    def enqueue_for(self, call: Call, seconds: float) -> None:  # noqa: ARG002
        """Give a call to the engine as `enqueue`, and stop waiting after a time; by default, it does not.

        Args:
            call: the call.
            seconds: how long to wait at most: what is left of the `hold` of the delivery.
        """
        self.enqueue(call)

    async def aenqueue(self, call: Call) -> None:
        """Give a call to the engine, as `enqueue`; by default in a thread."""
        await run_in_thread(lambda: self.enqueue(call))

    def enqueue_in(self, call: Call, connection: Any) -> bool:  # noqa: ARG002
        """Write a call in the transaction of the send, if that is one of the engine's database.

        Args:
            call: the call.
            connection: what `Boundary.write_connection` yields.

        Returns:
            Whether it was written. If not, the call is enqueued after the commit.
        """
        return False

    async def aenqueue_in(self, call: Call, connection: Any) -> bool:
        """Write a call as `enqueue_in`, in the transaction of an `asend`."""
        return self.enqueue_in(call, connection)

    def check(self, options: CallOptions) -> None:  # noqa: ARG002
        """Refuse options that the engine does not have, when a receiver is connected.

        Args:
            options: the options of the delivery. `options.engine` are those for the engine.

        Raises:
            ArgumentError: if the engine lacks an option, or does not support `retries` or `delay`.
        """
        return  # mypy takes a protocol's empty method for an abstract one

    def missing(self) -> Sequence[str]:
        """Return what this program lacks to give the engine a call, such as a package, each with the cure.

        The doctor and Django's system checks report it, because each call would fail.
        """
        return ()

    def losses(self) -> Sequence[str]:
        """Return what the engine loses as it is configured, each in a sentence with the setting.

        They are logged once. `durable(via=...)` refuses an engine with losses.
        """
        return ()

    def losses_with(self, options: CallOptions) -> Sequence[str]:  # noqa: ARG002
        """Return what calls with these options lose beside `losses`, as sentences.

        Args:
            options: the options of a delivery.
        """
        return ()
