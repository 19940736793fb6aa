"""The application: python -m uvicorn --app-dir examples/shop_fastapi --factory shop.app:create.

SHOP_DATABASE_URL selects a PostgreSQL database, SHOP_POOL_SIZE the number of connections. Celery
writes the receipts if SHOP_REDIS_URL names a Redis: see receipts.py.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from clarion.integrations.asgi import SignalMiddleware
from clarion.worker import Worker
from shop import receipts, traffic  # noqa: F401 - they connect receivers
from shop.database import Database
from shop.receivers import SoldOut
from shop.views import router


def create(database: Database | None = None) -> FastAPI:
    """Make the application; without a database, with that of the environment."""
    app = FastAPI(title="Seats on flights", lifespan=lifespan)
    app.state.database = database or named_database()
    app.add_middleware(SignalMiddleware)
    app.add_exception_handler(SoldOut, refuse)
    app.include_router(router)
    return app


def named_database() -> Database:
    """Return the database of the environment, or a new one in a temporary file."""
    url = os.environ.get("SHOP_DATABASE_URL")
    if not url:
        url = f"sqlite:///{Path(mkdtemp(prefix='shop-'), 'shop.sqlite3')}"
    return Database(url, int(os.environ.get("SHOP_POOL_SIZE", "5")))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Create the tables, and run the worker for the receipts beside the application."""
    database = app.state.database
    await database.create()
    async with Worker(database.for_receivers()):
        yield
    await database.close()


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Respond to a request that a receiver has refused; its writes are rolled back."""
    return JSONResponse({"detail": str(error)}, status_code=409)
