"""The instance of Huey in the consumer of the tests."""

import os

from tests.background.program import connect
from tests.background.stages.huey_stages import make

if "CLARION_TEST_BROKER" in os.environ:
    huey, delivery = make(os.environ["CLARION_TEST_BROKER"])
    connect(delivery)
