"""Helpers of the tests of atomic() blocks: the innermost block, and a call's status."""

from typing import Any

from clarion.commit import Scheduled
from clarion.commit.atomic_block import AtomicBlock
from clarion.commit.boundary import active_boundaries


def status(responses: list[tuple[Any, Any]]) -> str:
    """Return the status of the only receiver."""
    ((_, scheduled),) = responses
    assert isinstance(scheduled, Scheduled)
    return scheduled.status


def innermost() -> AtomicBlock:
    """Return the innermost block."""
    block = next(active_boundaries()).boundary
    assert isinstance(block, AtomicBlock)
    return block
