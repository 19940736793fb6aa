"""Celery: receivers as Celery tasks, after the commit.

    from clarion.integrations.celery import CeleryDelivery

    celery = CeleryDelivery(app)

    @receiver(order_paid, delivery=celery)
    @receiver(order_paid, delivery=celery(queue="mail", retries=5))

The app gets one task for all receivers. Monitoring shows the receiver's name, which is its `shadow`.
Other options than ours go to `apply_async`.

In reading order; a module imports from those above it only:

1. `options`: refuses what `apply_async` does not take. `losses`: what Celery loses as an app is configured.
2. `engine`: publishes the tasks, and is their carrier.
3. `delivery`: `CeleryDelivery`.
"""

from __future__ import annotations

from clarion.errors import MissingExtraError

try:
    import celery as _celery  # noqa: F401  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]
except ImportError as error:
    raise MissingExtraError.because(error, "celery", "celery") from error

from clarion.integrations.celery.delivery import CeleryDelivery

__all__ = ["CeleryDelivery"]
