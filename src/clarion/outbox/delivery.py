"""durable: the delivery of receivers that a worker calls after the commit, also after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from clarion._core.names import option_name, quoted_name, value_name
from clarion._core.signatures import asks_for
from clarion._core.tabled import policy_of
from clarion.commit.call_check import CallCheck
from clarion.commit.providers import providers
from clarion.envelope.codec import codec_of
from clarion.envelope.receiver_names import stable_name
from clarion.errors import ArgumentError
from clarion.outbox.delivery_row import Target
from clarion.outbox.keys import key_of
from clarion.outbox.options import options_of
from clarion.outbox.publish import explain, publication_for
from clarion.outbox.receivers import StoredReceiver, add_receiver

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from typing import Never

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.outbox.keys import KeyOf
    from clarion.outbox.options import Backoff, Key, Options
    from clarion.outbox.via import Via
    from clarion.typing import Receiver

PROVIDED = ("attempt", "connection", "delivery_uid", "session")
"""What a worker passes to a receiver that has such a parameter."""


class Durable:
    """Store the delivery in the sender's transaction; a worker calls the receiver.

        @receiver(order_paid, delivery=durable)
        @receiver(order_paid, delivery=durable(key="order_id", retries=3))

    The delivery is one row, written by the sender's own connection. So it exists if and only if the
    transaction commits. A worker calls the receiver at least once, also after a crash, and tries
    again if it raises. A receiver gets its arguments from the stored payload. It may have the
    parameters `delivery_uid` (the `uuid.UUID` of the send, the same at each attempt) and `attempt`
    (the first is 1). A worker may also give it a `session` or a `connection`.

    Args:
        key: deliveries with the same key run in the order of their sends: the name of a keyword, a list
            of names, or a function of the keywords. A key of None has no order.
        delay: the shortest time that a delivery waits, in seconds or as a `timedelta`.
        retries: how often it is tried again after a failure, before it is given up.
        backoff: the longest wait after the first failure, as `delay`; it doubles with each failure.
            Or a function of the number of failures that returns the wait.
        timeout: how long one attempt may take, as `delay`.
        missing: what happens if a row that the send names was deleted. "skip" the delivery, "fail"
            it, or give the receiver a "snapshot" of the row as it was at the send.
        dead: whether later deliveries of a key wait ("block") or run ("pass") after one was
            given up.
        effects: "same database" if the receiver only writes to the database of the outbox, by the
            session or connection that it gets. Its writes then commit with the end of the delivery,
            so they have an effect once. With `via`, they commit with a row in the table
            `clarion_inbox`, so a delivery that the engine gets twice has its effect once.
        name: the name by which a worker finds the receiver; by default `module:qualname`.
        aliases: its former names, for rows that were stored before it was renamed.
        database: the alias of the database to write to, whichever transaction the send names.
        via: a delivery to an engine, such as `CeleryDelivery(app)`. The worker does not call the receiver,
            but hands the delivery to the engine, again and again until its broker has confirmed it.
            `retries`, `timeout` and `dead` are then options of the engine.

    The guarantees are those of a transactional outbox.
    """

    def __init__(
        self,
        *misplaced: Never,
        key: Key | None = None,
        delay: float | timedelta = 0.0,
        retries: int = 8,
        backoff: Backoff | timedelta = 1.0,
        timeout: float | timedelta | None = None,
        missing: str = "skip",
        dead: str = "block",
        effects: str | None = None,
        name: str | None = None,
        aliases: Sequence[str] = (),
        database: str | None = None,
        via: Via | None = None,
    ) -> None:
        if misplaced:
            raise ArgumentError(
                f"durable was called with {value_name(misplaced[0])}. Give its options by name, and "
                f"to connect a receiver, write @receiver(signal, delivery=durable)."
            )
        self.options: Options = options_of(
            key=key,
            delay=delay,
            retries=retries,
            backoff=backoff,
            timeout=timeout,
            missing=missing,
            dead=dead,
            effects=effects,
            name=name,
            aliases=aliases,
            database=database,
            via=via,
        )

    def __call__(self, *misplaced: Never, **options: Any) -> Durable:
        """Return a delivery with these options: see `Durable`."""
        return Durable(*misplaced, **options)

    def bind(self, receiver: Receiver, signal: Signal) -> BoundDurable:
        """Return the delivery to this receiver.

        Raises:
            SignatureError: if another process cannot find the receiver by its name.
            ArgumentError: if the signal does not declare the key, or another receiver has the name.
            DeclarationError: if the values of an annotation would not come back.
            MissingExtraError: if the signal is declared, and msgspec is not installed.
        """
        providers()  # installs the listeners for commits, before the program starts threads
        codec_of(signal)
        if self.options.via is not None:
            self.options.via.check_via(has_key=self.options.key is not None)
        name = stable_name(receiver, self.options.name)
        bound = BoundDurable(self, name, receiver, signal, key_of(self.options.key, signal))
        add_receiver(bound)
        return bound

    @property
    def hidden(self) -> object:
        """The values that its `repr` does not show, to compare two deliveries: those of the engine."""
        return getattr(self.options.via, "hidden", None)

    def __repr__(self) -> str:
        given = [f"{name}={_shown(value)}" for name, value in self.options.given().items()]
        return f"durable({', '.join(given)})" if given else "durable"


def _shown(option: object) -> str:
    if type(option) in {list, tuple}:
        return f"[{', '.join(map(quoted_name, cast('list[object]', option)))}]"
    return str(option) if type(option) in {int, float} else option_name(option)


durable = Durable()
"""Store the delivery; a worker calls the receiver. See `Durable` for its options."""


class BoundDurable(StoredReceiver):
    """`durable`, bound to one receiver of one signal.

    Attributes:
        delivery: the `durable` that the receiver was connected with.
        batch: stores one send for all receivers that use the same database.
        provides: the names of the arguments that a worker adds.
        call_check: refuses a send whose call of the receiver would fail.
        unordered_target: the row of each send, if the deliveries have no key; otherwise None.
    """

    provides = PROVIDED

    def __init__(
        self, delivery: Durable, name: str, receiver: Receiver, signal: Signal, key: KeyOf | None
    ) -> None:
        super().__init__(name, receiver, signal, delivery.options)
        self.delivery = delivery
        self.batch = publication_for(delivery.options.database)
        self.requested = tuple(each for each in PROVIDED if asks_for(receiver, each))
        self._key_of = key
        self._delay = int(delivery.options.delay * 1000)
        is_declared = policy_of(signal).parameters is not None
        self.call_check = CallCheck(
            receiver, delivery, PROVIDED, is_declared=is_declared, asks_boundary=False
        )
        self.unordered_target = Target(name, None, self._delay) if key is None else None

    def target(self, signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> Target:
        """Return the row of one send."""
        key = None if self._key_of is None else self._key_of(signal, receiver, arguments)
        return Target(self.name, key, self._delay)

    def send(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Any:
        """Store one send for this receiver alone."""
        return self.batch.send(signal, [(registration, receiver, arguments)])[0]

    async def asend(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Any:
        """Store one `asend` for this receiver alone."""
        return (await self.batch.asend(signal, [(registration, receiver, arguments)]))[0]

    def awaits(self, signal: Signal, receiver: Receiver, /, **arguments: Any) -> bool:  # noqa: ARG002
        """Return False: the worker awaits the receiver, not the send."""
        return False

    def explain(self, signal: Signal, /, **arguments: Any) -> str:
        """Return where the send would be stored, in words."""
        return explain(signal, arguments, self.options.database)

    def __repr__(self) -> str:
        return f"<BoundDurable {self.name} by {option_name(self.delivery)}>"
