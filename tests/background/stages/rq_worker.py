"""The worker of RQ in the tests."""

import os

from rq import Worker

from tests.background.program import connect
from tests.background.stages.rq_stage import make

if __name__ == "__main__":
    queue, delivery = make(os.environ["CLARION_TEST_BROKER"])
    connect(delivery)
    Worker([queue], connection=queue.connection, serializer="json").work(with_scheduler=True)
