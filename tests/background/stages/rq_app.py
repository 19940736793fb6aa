"""The queue of RQ in a worker of the outbox."""

import os

from tests.background.stages.rq_stage import make

if os.environ.get("CLARION_TEST_WORKER"):
    queue, delivery = make(os.environ["CLARION_TEST_BROKER"])
