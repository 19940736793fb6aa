"""assert_enqueued: assert that deliveries to a durable or background receiver wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.names import described
from clarion.commit import active_boundaries
from clarion.errors import ArgumentError, NotSentError
from clarion.outbox.delivery_row import claim_of
from clarion.outbox.receivers import StoredReceiver, named_receivers
from clarion.testing.capture import shown
from clarion.testing.deliveries import check_found, outbox_databases
from clarion.testing.engines import kept_calls, loaded_arguments
from clarion.testing.equality import are_equal
from clarion.worker.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clarion.outbox.database import Database
    from clarion.outbox.receivers import NamedReceiver
    from clarion.typing import Receiver

_ANY: Any = object()
_LIMIT = 10_000
_SHOWN = 3


def assert_enqueued(
    receiver: Receiver,
    /,
    *databases: Database,
    times: int | None = None,
    key: object = _ANY,
    **keywords: object,
) -> list[dict[str, Any]]:
    """Assert that deliveries to a receiver wait, and return their arguments.

        order_paid.send(sender=Order, order_id=42)
        assert_enqueued(send_receipt, order_id=42)

    The receiver is durable, or an engine carries it out. Calls for an engine wait only inside
    `without_engines`.

    Args:
        receiver: the receiver.
        *databases: the databases; by default those of `drain`.
        times: the exact number of deliveries; at least one by default. 0 asserts that none waits.
        key: the key of the deliveries, as text; any key by default.
        **keywords: arguments of the receiver. It may get more arguments. Values are compared as in
            `assert_sent`.

    Returns:
        The arguments of the deliveries that match, in the order of the sends.

    Raises:
        NotSentError: an AssertionError whose message shows deliveries to the receiver.
        ArgumentError: if the receiver is neither durable nor of an engine, or its calls go to its engine.
        BoundaryError: if the receiver is durable, and no database with an outbox is found.
    """
    waiting = [*_all_waiting(receiver, databases, key)]
    found = [
        arguments
        for arguments in waiting
        if all(
            name in arguments and are_equal(value, arguments[name])
            for name, value in keywords.items()
        )
    ]
    if len(found) == times or (found and times is None):
        return found
    raise NotSentError(_failure(receiver, keywords, len(found), times, waiting))


def _all_waiting(
    receiver: Receiver, databases: Sequence[Database], key: object
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of stored deliveries, and of the calls that are kept from engines."""
    found = [each for each in named_receivers() if _is_of(each, receiver)]
    if not found:
        raise ArgumentError(
            f"assert_enqueued() was given {described(receiver)}, which is connected with no durable "
            f"delivery and to no engine. Connect it with delivery=durable, or with that of an engine.",
            ["receiver"],
        )
    stored = {name for each in found if isinstance(each, StoredReceiver) for name in each.names}
    background = {name for each in found for name in each.names} - stored
    if stored:
        databases = databases or outbox_databases()
        check_found(databases, "assert_enqueued")
        for database in databases:
            yield from _waiting(database, stored, key)
    if background:
        yield from _kept(receiver, background, key)


def _is_of(named: NamedReceiver, receiver: Receiver) -> bool:
    registration = named.registration()
    return registration is not None and registration.live() == receiver


def _kept(receiver: Receiver, names: set[str], key: object) -> Iterator[dict[str, Any]]:
    calls = kept_calls()
    if calls is None:
        raise ArgumentError(
            f"assert_enqueued() was given {described(receiver)}, whose calls go to its engine. Send "
            f"and assert inside `with clarion.testing.without_engines():`, which keeps them.",
            ["receiver"],
        )
    for found, arguments in calls.arguments(names):
        if key is _ANY or found == key:
            yield arguments


def _waiting(database: Database, names: set[str], key: object) -> Iterator[dict[str, Any]]:
    connection = database.connect()
    plans = Plans(database, hands_over=False)
    try:
        for name, *columns in connection.rows("list_waiting", limit=_LIMIT):
            claim = claim_of(tuple(columns))
            if name in names and (key is _ANY or claim.key == key):
                plan = plans.plan_for(name, claim.signal)
                yield loaded_arguments(database, plan, claim)
    finally:
        connection.close()


def _failure(
    receiver: Receiver,
    keywords: dict[str, object],
    found: int,
    times: int | None,
    waiting: list[dict[str, Any]],
) -> str:
    words = {None: "at least once", 0: "never", 1: "exactly once"}
    how_often = words.get(times, f"exactly {times} times")
    wanted = f" with {_shown(keywords)}" if keywords else ""
    lines = [f"Expected a waiting delivery to {described(receiver)}{wanted}, {how_often}."]
    lines.append(f"{found} of {len(waiting)} that wait for it match.")
    lines += [f"  {_shown(each)}" for each in waiting[:_SHOWN]]
    named = [each for each in named_receivers() if _is_of(each, receiver)]
    if not waiting and not all(isinstance(each, StoredReceiver) for each in named):
        lines.append(
            "A task engine gets its calls after the commit. In a transaction that the test rolls back, "
            "send inside `with clarion.testing.commits():`."
        )
    opened = next((each.boundary for each in active_boundaries() if each.boundary.is_open()), None)
    if not waiting and opened is not None:
        lines.append(
            f"A transaction of {opened.name} is open here. Commit it first: a delivery may wait after the "
            f"commit only."
        )
    return "\n".join(lines)


def _shown(arguments: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={shown(value)}" for name, value in arguments.items() if name != "signal"
    )
