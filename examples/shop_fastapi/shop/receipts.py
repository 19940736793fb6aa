"""The receipts: each order gets one, once its transaction has committed.

The receiver is durable: its delivery is a row of the order's own transaction, so no receipt is lost
and no refused order gets one. The worker in the application's lifespan writes the receipts. If
SHOP_REDIS_URL names a Redis that answers, this worker hands them to Celery instead, until its broker
has confirmed each.
"""

import logging
import os
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from clarion import Signal, durable, receiver
from clarion.integrations.sqlalchemy import post_save
from shop.models import Order, Receipt
from shop.receivers import session_of

logger = logging.getLogger("shop")


def celery_app() -> Any:
    """Return a Celery app on the Redis of SHOP_REDIS_URL; None if none answers there."""
    url = os.environ.get("SHOP_REDIS_URL")
    if not url:
        return None
    # The shop needs neither package without a Redis.
    from celery import Celery
    from redis import Redis, RedisError

    try:
        with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as redis:
            redis.ping()
    except RedisError as error:
        # The host only, because the URL may have a password.
        host, kind = urlsplit(url).hostname, type(error).__name__
        logger.warning("No Redis answers on %s (%s), so this process writes receipts", host, kind)
        return None
    app = Celery("shop", broker=url)
    # Without these two, a receipt is lost if a worker process is killed; `via` refuses that.
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)
    app.conf.update(task_default_queue="receipts", broker_connection_retry_on_startup=True)
    return app


def delivery_by(app: Any) -> Any:
    """Return the delivery of the receipts, by Celery or by the worker of the lifespan."""
    stored = durable(name="shop.receipt", effects="same database")
    if app is None:
        return stored
    from clarion.integrations.celery import CeleryDelivery

    return stored(via=CeleryDelivery(app)(retries=5))


celery = celery_app()
order_placed = Signal(name="shop.order_placed")


@receiver(post_save, sender=Order)
async def announce(instance: Order, created: bool, **kwargs: Any) -> None:
    """Send `order_placed` for a new order, with what it is now: it may be changed before its receipt."""
    if created:
        session = session_of(instance)
        text = f"{instance.customer}: {instance.seats} seats, {instance.total / 100:.2f}"
        await order_placed.asend(sender=Order, order_id=instance.id, text=text, session=session)


@receiver(order_placed, delivery=delivery_by(celery))
async def write_receipt(order_id: int, text: str, session: AsyncSession, **kwargs: Any) -> None:
    """Write the receipt, exactly once: a duplicate has no effect in the same database."""
    by = "The embedded worker" if celery is None else "Celery"
    session.add(Receipt(order_id=order_id, text=text, by=by))
