"""A transaction of Django with one background receiver, and with the engine's own call by hand.

The baseline is what people write without Clarion: `transaction.on_commit(lambda: task.delay(1))`. It sends the
same values, after the commit, with the same options. It has no envelope: no uid, time, context or name of a
receiver. It may also wait for the broker without a limit, so that no thread watches over the call, as one does
with Celery. No worker runs. The broker is Redis, if one answers at CLARION_REDIS_URL, or a file for Huey.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cases import Case, Pair
from benchmarks.cases.django_save import Worker, response
from benchmarks.peers import Clarion
from benchmarks.timing import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers import Library
    from benchmarks.timing import Run

    Engine = tuple[Any, Callable[[], object]]

QUEUE = f"clarion-bench-{os.getpid()}"
TIMEOUTS = {"socket_timeout": 5, "socket_connect_timeout": 5}
REDIS = os.environ.get("CLARION_REDIS_URL", "redis://127.0.0.1:6379/0")


def enqueuing(engine: str, libraries: Sequence[Library]) -> list[Pair]:
    """Commit with one background receiver, and with a call by hand in `transaction.on_commit`."""
    return [
        Pair(
            each.name,
            Worker(f"{engine}-receiver", each.environment, "background").run,
            Worker(f"{engine}-hand", each.environment, "background").run,
        )
        for each in libraries
        if isinstance(each, Clarion)
    ]


def mail(sender: object, order_id: int, **kwargs: object) -> None:
    """Do nothing: no worker calls it."""


def on_celery() -> Engine:
    """Return a delivery to Celery, and the call by hand."""
    celery = import_module("celery")
    app = celery.Celery("bench", broker=REDIS)
    app.conf.task_default_queue = QUEUE
    task = app.task(name="bench.mail")(mail)
    delivery = import_module("clarion.integrations.celery").CeleryDelivery(app)
    return delivery, lambda: task.apply_async((None, 1))


def on_rq() -> Engine:
    """Return a delivery to RQ, and the call by hand."""
    redis, rq = import_module("redis"), import_module("rq")
    connection = redis.Redis.from_url(REDIS, **TIMEOUTS)
    queue = rq.Queue(QUEUE, connection=connection, serializer="json")
    delivery = import_module("clarion.integrations.rq").RQDelivery(queue)
    return delivery, lambda: queue.enqueue(f"{__name__}.mail", None, 1)


def on_dramatiq() -> Engine:
    """Return a delivery to Dramatiq, and the call by hand."""
    dramatiq = import_module("dramatiq")
    redis = import_module("dramatiq.brokers.redis")
    client = import_module("redis").Redis.from_url(REDIS, **TIMEOUTS)
    broker = redis.RedisBroker(client=client, namespace=QUEUE)
    actor = dramatiq.actor(mail, broker=broker, queue_name=QUEUE)
    delivery = import_module("clarion.integrations.dramatiq").DramatiqDelivery(broker)
    return delivery, lambda: actor.send(None, 1)


def on_huey() -> Engine:
    """Return a delivery to Huey on a file, and the call by hand."""
    huey = import_module("huey")
    folder = Path(tempfile.mkdtemp(prefix="clarion-bench-"))
    instance = huey.SqliteHuey("bench", filename=str(folder / "huey.db"), results=False)
    task = instance.task()(mail)
    delivery = import_module("clarion.integrations.huey").HueyDelivery(instance)
    return delivery, lambda: task(None, 1)


ENGINES = {"celery": on_celery, "dramatiq": on_dramatiq, "huey": on_huey, "rq": on_rq}


def transaction_with(engine: Engine, *, by_hand: bool) -> Run:
    """Return a transaction of Django that enqueues once."""
    from clarion import Signal

    conf, django = import_module("django.conf"), import_module("django")
    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    conf.settings.configure(DATABASES={"default": memory})
    django.setup()
    transaction = import_module("django.db.transaction")
    delivery, enqueue = engine
    if by_hand:
        return statement(
            "with atomic(): on_commit(enqueue)",
            atomic=transaction.atomic,
            on_commit=transaction.on_commit,
            enqueue=enqueue,
        )
    signal = Signal(name="bench.order_paid")
    signal.connect(mail, delivery=delivery(name="mail"))
    return statement(
        "with atomic(): send(None, order_id=1)", atomic=transaction.atomic, send=signal.send
    )


def forget() -> None:
    """Delete what the engines have stored in Redis."""
    connection = import_module("redis").Redis.from_url(REDIS)
    for key in connection.scan_iter(f"*{QUEUE}*"):
        connection.delete(key)


def main(state: str) -> None:
    """Answer requests until the input ends."""
    name, _, how = state.partition("-")
    logging.disable()  # what the engines may lose is not the subject here
    try:
        run = transaction_with(ENGINES[name](), by_hand=how == "hand")
        run(1)
    except Exception as error:  # noqa: BLE001  # each broker has errors of its own
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
        return
    try:
        response(run)
    finally:
        if name != "huey":
            forget()


CASES = [
    Case(
        f"commit with 1 background receiver, {engine.title() if engine != 'rq' else 'RQ'}",
        "the engine's call in transaction.on_commit",
        1.2,
        partial(enqueuing, engine),
    )
    for engine in ENGINES
]


if __name__ == "__main__":
    main(sys.argv[1])
