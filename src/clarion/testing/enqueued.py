"""assert_enqueued: assert that deliveries to a durable receiver are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.names import described
from clarion.errors import ArgumentError, NotSentError
from clarion.outbox.delivery_row import Claim
from clarion.outbox.receivers import stored_receivers
from clarion.testing.capture import shown
from clarion.testing.deliveries import outbox_databases
from clarion.testing.equality import are_equal
from clarion.worker.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.outbox.database import Database
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
    """Assert that deliveries to a durable receiver wait, and return their arguments.

        order_paid.send(sender=Order, order_id=42)
        assert_enqueued(send_receipt, order_id=42)

    Args:
        receiver: the receiver.
        *databases: the databases; the same ones as of `drain` by default.
        times: the exact number of deliveries; at least one by default. 0 asserts that none waits.
        key: the key of the deliveries, as text; any key by default.
        **keywords: arguments of the receiver. It may get more arguments. Values are compared as by
            `assert_sent`.

    Returns:
        The arguments of the deliveries that match, in the order of the sends.

    Raises:
        NotSentError: an AssertionError whose message shows deliveries to the receiver.
        ArgumentError: if the receiver is not durable.
    """
    waiting = [
        arguments
        for database in databases or outbox_databases()
        for arguments in _waiting(database, _names_of(receiver), key)
    ]
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


def _names_of(receiver: Receiver) -> set[str]:
    names: set[str] = set()
    for each in stored_receivers():
        registration = each.registration()
        if registration is not None and registration.live() == receiver:
            names.update(each.names)
    if not names:
        raise ArgumentError(
            f"assert_enqueued() was given {described(receiver)}, which is connected with no durable "
            f"delivery. Connect it with delivery=durable.",
            ["receiver"],
        )
    return names


def _waiting(database: Database, names: set[str], key: object) -> Iterator[dict[str, Any]]:
    connection = database.connect()
    plans = Plans(database, hands_over=False)
    try:
        for name, *columns in connection.rows("list_waiting", limit=_LIMIT):
            claim = Claim(*columns)
            if name in names and (key is _ANY or claim.key == key):
                plan = plans.plan_for(name, claim.signal)
                with database.transaction() as transaction:
                    yield plan.arguments(claim, transaction.session)
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
    lines = [f"Expected a stored delivery to {described(receiver)}{wanted}, {how_often}."]
    lines.append(f"{found} of {len(waiting)} that wait for it match.")
    lines += [f"  {_shown(each)}" for each in waiting[:_SHOWN]]
    return "\n".join(lines)


def _shown(arguments: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={shown(value)}" for name, value in arguments.items() if name != "signal"
    )
