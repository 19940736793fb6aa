"""No path of the compiled sends leaks memory or references."""

import gc
import inspect
import sys
import tracemalloc
from typing import Any

import pytest

from tests.concurrency.failing import (
    Unchecked,
    answering_when_awaited,
    attempt,
    failing_when_awaited,
    silent,
)
from tests.concurrency.scenes import SCENES, many_keywords, refused_sends
from tests.concurrency.test_leaks import raising
from tests.core.receivers import answering, collect
from tests.logs import without_log
from tests.twins import put

ROUNDS = 1_000

# Of one object or one reference for each round, this would be a small part.
BYTES = 20_000
REFERENCES = 200


@pytest.fixture(autouse=True)
def implementation(monkeypatch):
    """Select the compiled sends: only C code counts references by hand."""
    put(monkeypatch, "compiled")
    return "compiled"


def total_references():
    """Return the interpreter's count of all references, or 0 without one."""
    return getattr(sys, "gettotalrefcount", int)()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_no_memory_is_leaked(scene):
    """After many rounds neither memory nor the count of references has grown."""
    with without_log():
        _check_no_leak(scene)


def _check_no_leak(scene):
    work = scene()
    for _ in range(ROUNDS // 10):
        work()
    rounds = ROUNDS if scene not in {many_keywords, refused_sends} else ROUNDS // 5
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        before, references = tracemalloc.get_traced_memory()[0], total_references()
        for _ in range(rounds):
            work()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < BYTES
        assert total_references() - references < REFERENCES
    finally:
        tracemalloc.stop()


def test_references_to_the_arguments_are_released():
    """A send releases its references to immortal and untracked objects too."""
    value, sender = object(), object()
    scenes: list[Any] = [answering(1), raising, answering_when_awaited, failing_when_awaited]
    for receiver in scenes:
        made = silent()
        made.connect(receiver, inline=True)
        for name in ("send", "send_robust", "asend", "asend_robust"):
            if inspect.iscoroutinefunction(receiver) and not name.startswith("a"):
                continue
            counts = []
            for _ in range(2):  # in the first round the interpreter specializes the code
                for _ in range(100):
                    attempt(getattr(made, name), sender, value=value)
                collect()
                parts = (value, sender, made, receiver, Unchecked)
                counts.append([sys.getrefcount(each) for each in parts])
            assert counts[0] == counts[1], name
