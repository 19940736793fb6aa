"""The open app of procrastinate in a worker of the outbox."""

import os

if os.environ.get("CLARION_TEST_WORKER"):
    from tests.background.stages.procrastinate_app import app, delivery

    app.open()
    __all__ = ["app", "delivery"]
