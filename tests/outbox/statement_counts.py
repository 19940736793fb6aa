"""The stored baseline of the statements of sends and workers.

A test compares what it has counted with `statement_counts.json`, exactly. If a change of the counts is
meant, write the file anew, and review its difference:

    CLARION_RENEW_COUNTS=1 python -m pytest -k statement_counts tests
"""

import json
import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from clarion.outbox import publish
from clarion.outbox.adapters import adapt, is_async_connection

BASELINE = Path(__file__).with_suffix(".json")
RECEIVERS = (1, 3, 10)


def check(section, name, counted):
    """Compare counts with the baseline, or store them there if it is to be renewed."""
    stored = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if os.environ.get("CLARION_RENEW_COUNTS"):
        stored.setdefault(section, {})[name] = counted
        BASELINE.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
    assert stored[section][name] == counted


def record(connection, names):
    """Let a connection of the outbox note the name of each of its statements.

    Executions of one statement with many rows count once: they are one call of the driver.
    """
    kinds = ("rows", "change", "insert")
    run = {kind: getattr(connection, kind) for kind in kinds}

    def noting(kind):
        def execute(name, *rows, **parameters):
            names.append(name)
            return run[kind](name, *rows, **parameters)

        return execute

    async_noting = _async_noting(run, names)
    is_async = is_async_connection(connection)
    for kind in kinds:
        setattr(connection, kind, async_noting(kind) if is_async else noting(kind))
    return connection


def _async_noting(run, names):
    def noting(kind):
        async def execute(name, *rows, **parameters):
            names.append(name)
            return await run[kind](name, *rows, **parameters)

        return execute

    return noting


@contextmanager
def recorded_sends():
    """Yield the names of the statements that sends of the block execute."""
    names: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "adapt", lambda raw: record(adapt(raw), names))
        yield names


def by_name(names):
    """Return how often each statement was executed."""
    return dict(sorted(Counter(names).items()))
