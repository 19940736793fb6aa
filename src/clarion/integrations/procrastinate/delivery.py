"""ProcrastinateDelivery: receivers that procrastinate carries out, in the transaction of the send."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from clarion._core.names import value_name
from clarion.background import EngineDelivery
from clarion.background.delivery import HOLD
from clarion.errors import ArgumentError
from clarion.integrations.procrastinate.engine import ProcrastinateEngine
from clarion.integrations.procrastinate.jobs import register

if TYPE_CHECKING:
    from procrastinate import App

SILENCE = 30.0  # seconds


class ProcrastinateDelivery(EngineDelivery):
    """Hand a receiver to procrastinate: in the transaction of the send, or after its commit.

        procrastinate = ProcrastinateDelivery(app)

        @receiver(order_paid, delivery=procrastinate)
        @receiver(order_paid, delivery=procrastinate(queue="mail", retries=5, key="order_id"))

    If the send is in a transaction of the app's database, the job is inserted there, and is committed
    or rolled back with it. This works with psycopg, with SQLAlchemy on psycopg, and with Django.
    Otherwise it is inserted after the commit, as `EngineDelivery` describes.

    The options `queue`, `priority`, `lock` and `queueing_lock` go to `configure_task`. With `key`, the
    lock is the name of the receiver and the key. A job with a `queueing_lock` is inserted after the
    commit, because a conflict would abort the transaction.

    Args:
        app: the app. It gets the task "clarion.deliver".
        rescue: the time without a heartbeat of a worker after which its calls run again, in seconds.
            The periodic task "clarion.rescue" does it. None leaves the task out.
        hold: see `EngineDelivery`.

    Raises:
        ArgumentError: if `app` is no app, or has a delivery with another `rescue`.
    """

    def __init__(self, app: App, *, rescue: float | None = SILENCE, hold: float = HOLD) -> None:
        # The app of a Django project is a proxy.
        if not callable(getattr(app, "configure_task", None)):
            raise ArgumentError(
                f"ProcrastinateDelivery was given {value_name(app)}. Give the App of procrastinate.",
                ["app"],
            )
        is_time = type(rescue) in {int, float} and rescue is not None and isfinite(rescue)
        if rescue is not None and not (is_time and rescue > 0):
            raise ArgumentError(
                f"ProcrastinateDelivery was given rescue={value_name(rescue)}. Give the seconds after "
                f"which a silent worker counts as killed, or None.",
                ["rescue"],
            )
        super().__init__(ProcrastinateEngine(app, hold), hold=hold)
        register(app, rescue)
