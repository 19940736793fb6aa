"""The Celery worker: celery --workdir examples/shop_fastapi --app shop.tasks worker.

It needs the SHOP_REDIS_URL and the SHOP_DATABASE_URL of the application.
"""

import os

from clarion.outbox import use_database
from shop.database import Database
from shop.receipts import celery as app

if app is None or not os.environ.get("SHOP_DATABASE_URL"):
    raise SystemExit(
        "Set SHOP_REDIS_URL to a Redis that answers, and SHOP_DATABASE_URL to the shop's database."
    )
use_database(Database(os.environ["SHOP_DATABASE_URL"]).for_receivers())
