"""EngineDelivery: the delivery of receivers that a task engine carries out."""

from __future__ import annotations

from collections import Counter
from copy import copy
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from clarion._core.loading import is_reported_later
from clarion._core.names import keyword_names, option_name, quoted_name, value_name
from clarion._core.signatures import asks_for
from clarion._core.tabled import policy_of
from clarion.background.call import Call, write_body
from clarion.background.hold import aenqueue_within, enqueue_within
from clarion.background.loss_log import LossLog
from clarion.background.options import CallOptions
from clarion.background.publish import explain, publication_for
from clarion.commit.call_check import CallCheck
from clarion.commit.pending_call import BoundReceiver
from clarion.commit.providers import providers
from clarion.envelope.codec import codec_of
from clarion.envelope.receiver_names import stable_name
from clarion.errors import ArgumentError
from clarion.outbox.delivery import PROVIDED
from clarion.outbox.keys import key_of
from clarion.outbox.receivers import NamedReceiver, add_receiver, named_receivers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Never, Self

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.background.engine import Engine
    from clarion.envelope import Envelope
    from clarion.outbox.delivery_row import Claim
    from clarion.outbox.keys import KeyOf
    from clarion.typing import Receiver

HOLD = 10.0  # seconds

COUNTED = ("scheduled", "enqueued", "failed", "dropped", "abandoned", "suppressed")


class EngineDelivery:
    """Hand a receiver to a task engine after the commit; a worker of the engine calls it.

        celery = CeleryDelivery(app)

        @receiver(order_paid, delivery=celery)
        @receiver(order_paid, delivery=celery(queue="mail", retries=5))

    The send is encoded at once, so a value that cannot be encoded is refused there. The call waits for the
    commit of the transaction that the send is in, as with `on_commit`. If the transaction
    is rolled back, the engine never gets the call. If the engine does not confirm the call after the
    commit, the call is lost. The error is logged and counted, and does not reach the code that commits. If no
    transaction is open, the engine gets the call inside the send, which raises what the engine raises.

    A receiver gets its arguments from the encoded send. It may have the parameters `delivery_uid`,
    `attempt`, `session` and `connection`, as with `durable`.

    Call a delivery to get another one with more options:

    - `retries`: how often the engine tries again after a failure. 2 makes three runs. Without it,
      the receiver is not called again, unless the engine retries by its own settings.
    - `delay`: the shortest time that the engine waits before the first run, in seconds or as a `timedelta`.
    - `key`: calls with the same key run in the order of their sends, if the engine supports it: see
      `durable`.
    - `name`, `aliases`: the name by which a worker finds the receiver, and its former names.
    - `missing`: what happens if a row that the send names was deleted: "skip", "fail", "snapshot".
    - `effects`: "same database" if the receiver only writes to the database of the worker, by the session
      or connection that it gets. A row in the table `clarion_inbox` is written with its writes, so
      a call that the engine makes twice has its effect once.
    - `outside`: what happens where no transaction is open: "run", "skip" or "refuse".
    - `using`: wait for the database of this alias, whichever transaction the send names.

    All other options go to the engine as they are.

    Args:
        engine: the engine.
        hold: how long a commit may wait for calls that the engine does not confirm, in seconds, for
            all of them together. The commit's other calls then fail at once. After 16 calls without a
            confirmation, the engine gets only one call per `hold` until it answers.

    Attributes:
        engine: the engine.
        options: the options.
        hold: how long a commit may wait for the engine, in seconds.
        counts: how many calls were "enqueued", "failed", "dropped", "abandoned" and "suppressed",
            with any options of this engine.
    """

    def __init__(self, engine: Engine, *, hold: float = HOLD) -> None:
        if type(hold) not in {int, float} or not isfinite(hold) or hold <= 0:
            raise ArgumentError(
                f"A delivery to an engine was given hold={value_name(hold)}. Give the seconds that a "
                f"commit may wait for the engine.",
                ["hold"],
            )
        self.engine = engine
        self.hold = float(hold)
        self.options = CallOptions()
        self.counts: Counter[str] = Counter()
        self._is_checked = False
        self._loss_log = LossLog(engine)  # shared with the deliveries that have more options

    def __call__(self, /, *misplaced: Never, **options: Any) -> Self:
        """Return a delivery with these options added: see `EngineDelivery`."""
        if misplaced:
            raise ArgumentError(
                f"A delivery to {self.engine.name} was called with {value_name(misplaced[0])}. Give its "
                f"options by name, and to connect a receiver, write @receiver(signal, delivery=...)."
            )
        changed = copy(self)
        changed.options = self.options.changed(options)
        changed._is_checked = False  # noqa: SLF001  # of the same class
        return changed

    @property
    def outside(self) -> str | None:
        """What happens where no transaction is open; None for the default of the program."""
        return self.options.outside

    @property
    def hidden(self) -> dict[str, object]:
        """The values that its `repr` does not show, to compare two deliveries."""
        return self.options.plain_values()

    def bind(self, receiver: Receiver, signal: Signal) -> BoundEngine:
        """Return the delivery to this receiver.

        Raises:
            SignatureError: if another process cannot find the receiver by its name.
            ArgumentError: if the engine does not have an option, the signal does not declare the
                key, or another receiver has the name.
            DeclarationError: if the values of an annotation would not come back.
            MissingExtraError: if the signal is declared, and msgspec is not installed.
        """
        providers()  # installs the listeners for commits, before the program starts threads
        codec_of(signal)
        self.check_engine()
        name = stable_name(receiver, self.options.name)
        bound = BoundEngine(self, name, receiver, signal, key_of(self.options.key, signal))
        add_receiver(bound)
        return bound

    def check_engine(self) -> None:
        """Refuse options that the engine does not have.

        Raises:
            ArgumentError: if the engine lacks an option.
        """
        if self.options.key is not None and not self.engine.keeps_order:
            raise self._unordered()
        self.engine.check(self.options)

    def check_via(self, *, has_key: bool) -> None:
        """Refuse an engine that stored deliveries cannot be handed to: see `clarion.outbox.via.Via`.

        While Django loads its apps, an engine that loses calls is not refused: a system check reports it
        with all others, and `hand_over` refuses it.

        Raises:
            ArgumentError: if the engine loses calls, does not keep the order of a key, or the delivery has
                options that belong to `durable`.
        """
        if taken := self.options.given().keys() - {"retries", "delay"}:
            raise ArgumentError(
                f"durable(via=...) was given a delivery with {keyword_names(taken)}. Give the option to "
                f"durable itself.",
                taken,
            )
        if has_key and not self.engine.keeps_order:
            raise self._unordered()
        self.check_engine()
        if not is_reported_later():
            self._check_losses()

    def _check_losses(self) -> None:
        if losses := self.losses():
            raise ArgumentError(
                f"durable(via=...) hands over to {self.engine.name} once, so nothing may be lost there: "
                f"{' '.join(losses)}",
                ["via"],
            )

    def hand_over(self, receiver: str, claim: Claim) -> None:
        """Give a stored delivery to the engine: see `clarion.outbox.via.Via`.

        Raises:
            ArgumentError: if the settings were changed since connect, and the engine loses calls now.
        """
        if not self._is_checked:
            self._check_losses()
            self._is_checked = True
        self.enqueue(self.call_of(receiver, claim.envelope(), claim.key))

    def enqueue(self, call: Call, seconds: float | None = None) -> None:
        """Give a call to the engine, and wait until it is confirmed.

        Args:
            call: the call.
            seconds: how long to wait at most; None for `hold`.

        Raises:
            HandOverError: if the time is over (the engine may still get the call), or the engine has too
                many calls without a confirmation.
            Exception: what the engine raises.
        """
        enqueue_within(self.engine, call, self.hold if seconds is None else seconds)

    async def aenqueue(self, call: Call, seconds: float | None = None) -> None:
        """Give a call to the engine as `enqueue`, in a coroutine."""
        await aenqueue_within(self.engine, call, self.hold if seconds is None else seconds)

    def call_of(self, receiver: str, envelope: Envelope, key: str | None) -> Call:
        """Return what the engine gets for a receiver and an envelope."""
        options = self.options
        return Call(
            receiver,
            envelope.uid,
            write_body(receiver, options.retries, envelope),
            options.retries,
            options.delay,
            key,
            options.engine,
        )

    def losses(self) -> list[str]:
        """Return what the engine loses with its settings and these options, each with the setting."""
        return [*self.engine.losses(), *self.engine.losses_with(self.options)]

    def say_losses(self) -> None:
        """Log what is lost with the receivers that are connected, each sentence once for each engine."""
        found = [each for each in named_receivers() if isinstance(each, BoundEngine)]
        self.log_losses(each.options for each in found if each.delivery.engine is self.engine)

    def log_losses(self, options: Iterable[CallOptions]) -> None:
        """Log what the engine loses with these options, if that was not logged before."""
        self._loss_log.write(options)

    def _unordered(self) -> ArgumentError:
        return ArgumentError(
            f"key= was given, and {self.engine.name} does not keep the order of calls with the same key. Use "
            f"durable(key=...) without via=, whose worker keeps it, or leave key= out.",
            ["key"],
        )

    def __repr__(self) -> str:
        given = [f"{name}={_shown(value)}" for name, value in self.options.given().items()]
        # The values for the engine may be secret.
        given += [f"{name}=..." for name in self.options.engine]
        return f"{type(self).__name__}({', '.join([quoted_name(self.engine.name), *given])})"


def _shown(option: object) -> str:
    if type(option) in {list, tuple}:
        return f"[{', '.join(map(quoted_name, cast('list[object]', option)))}]"
    return str(option) if type(option) in {int, float} else quoted_name(option)


class BoundEngine(NamedReceiver, BoundReceiver):
    """`EngineDelivery`, bound to one receiver of one signal.

    Attributes:
        delivery: the delivery that the receiver was connected with.
        batch: hands one send to all receivers that engines carry out.
        provides: the names of the arguments that the carrier adds.
        requested: those of them that the receiver has as parameters.
        counts: how many calls were scheduled, enqueued, failed, dropped, abandoned, suppressed.
        call_check: refuses a send whose call of the receiver would fail.
    """

    provides = PROVIDED
    delivery: EngineDelivery
    options: CallOptions

    def __init__(
        self,
        delivery: EngineDelivery,
        name: str,
        receiver: Receiver,
        signal: Signal,
        key: KeyOf | None,
    ) -> None:
        NamedReceiver.__init__(self, name, receiver, signal, delivery.options)
        BoundReceiver.__init__(self, delivery, None, requests_session=False, requests_sends=False)
        self.counts = dict.fromkeys(COUNTED, 0)
        self.batch = publication_for(delivery.options.using)
        self.requested = tuple(each for each in PROVIDED if asks_for(receiver, each))
        self._key = key
        self._is_logged = False
        is_declared = policy_of(signal).parameters is not None
        self.call_check = CallCheck(
            receiver, delivery, PROVIDED, is_declared=is_declared, asks_boundary=False
        )

    def count(self, status: str) -> None:
        """Count one more call with this status, for the receiver and for the engine."""
        self.counts[status] += 1
        self.delivery.counts[status] += 1

    def call(
        self, signal: Signal, receiver: Receiver, arguments: dict[str, Any], envelope: Envelope
    ) -> Call:
        """Return what the engine gets for one send."""
        if not self._is_logged:
            self._is_logged = True
            self.delivery.log_losses([self.options])
        key = None if self._key is None else self._key(signal, receiver, arguments)
        return self.delivery.call_of(self.name, envelope, key)

    def send(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Any:
        """Hand one send to the engine for this receiver alone."""
        return self.batch.send(signal, [(registration, receiver, arguments)])[0]

    async def asend(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Any:
        """Hand one `asend` to the engine for this receiver alone."""
        return (await self.batch.asend(signal, [(registration, receiver, arguments)]))[0]

    def awaits(self, signal: Signal, receiver: Receiver, /, **arguments: Any) -> bool:  # noqa: ARG002
        """Return False: a worker awaits the receiver, not the send."""
        return False

    def explain(self, signal: Signal, /, **arguments: Any) -> str:
        """Return when the engine would get the call, in words."""
        return explain(signal, arguments, self.delivery)

    def __repr__(self) -> str:
        return f"<BoundEngine {self.name} by {option_name(self.delivery)}>"
