"""The objects that the jobs of one worker share."""

from dataclasses import FrozenInstanceError

import pytest

from tests.worker.stage import worker


def test_they_do_not_change(stage):
    """The context is immutable, and its counts are those of the worker."""
    made = worker(stage)
    with pytest.raises(FrozenInstanceError):
        made._context.concurrency = 1
    assert made._context.counts is made.counts
    assert not made._context.is_stopping()
    made.stop()
    assert made._context.is_stopping()
