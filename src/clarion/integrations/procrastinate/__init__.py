"""procrastinate: receivers that its workers carry out, in the transaction of the send.

In reading order; a module imports from those above it only:

1. `jobs`: the two tasks of an app. `connections`: the connection of the driver that a send writes on.
2. `table`: whether a connection sees the table of an app.
3. `engine`: inserts the jobs.
4. `delivery`: `ProcrastinateDelivery`.
"""

from __future__ import annotations

from clarion.errors import MissingExtraError

try:
    import procrastinate as _procrastinate  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import psycopg as _psycopg  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as error:
    raise MissingExtraError.because(error, "procrastinate", "procrastinate") from error

from clarion.integrations.procrastinate.delivery import ProcrastinateDelivery

__all__ = ["ProcrastinateDelivery"]
