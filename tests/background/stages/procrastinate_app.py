"""The procrastinate app of the tests, in the test's process and in each worker."""

import os
from typing import Any

import procrastinate

from clarion.integrations.procrastinate import ProcrastinateDelivery
from tests.background.program import connect


def make(url, schema):
    """Return an app and a delivery to it."""
    kwargs = {"options": f"-c search_path={schema}"}
    connector = procrastinate.PsycopgConnector(
        conninfo=url, kwargs=kwargs, timeout=3, reconnect_timeout=1
    )
    # Workers of the tests respond each half second.
    worker: Any = {"update_heartbeat_interval": 0.5, "fetch_job_polling_interval": 0.5}
    app = procrastinate.App(connector=connector, worker_defaults=worker)
    return app, ProcrastinateDelivery(app, rescue=3)


if os.environ.get("CLARION_TEST_WORKER"):
    app, delivery = make(os.environ["CLARION_TEST_BROKER"], os.environ["CLARION_TEST_SCHEMA"])
    connect(delivery)
