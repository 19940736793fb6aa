"""The Celery app of the tests, in the test's process and in each worker."""

import os

from celery import Celery

from clarion.integrations.celery import CeleryDelivery
from tests.background.program import connect

SAFE = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "broker_connection_retry_on_startup": True,
}


def make(url, **settings):
    """Return an app and a delivery to it."""
    app = Celery("tests", broker=url)
    options = {"confirm_publish": True} if url.startswith("amqp") else {"visibility_timeout": 8}
    app.conf.update(broker_transport_options=options, **{**SAFE, **settings})
    return app, CeleryDelivery(app)


FORGETFUL = {"task_acks_late": False, "task_reject_on_worker_lost": False}

if os.environ.get("CLARION_TEST_WORKER"):
    app, delivery = make(
        os.environ["CLARION_TEST_BROKER"],
        task_default_queue=os.environ["CLARION_TEST_QUEUE"],
        **(FORGETFUL if os.environ.get("CLARION_TEST_FORGETFUL") else {}),
    )
    connect(delivery)
