"""How many statements a claim and a settlement cost: see `statement_counts`."""

import pytest

from clarion import durable
from clarion.worker import Worker, settler
from tests.outbox.statement_counts import by_name, check, record
from tests.worker.altered import altered

CASES: dict[str, dict[str, str]] = {
    "unordered": {},
    "with a key": {"key": "kind"},
    "same database": {"effects": "same database"},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("number", [0, 1, 5])
def test_one_look(stage, paid, case, number, monkeypatch):
    """A batch is claimed and settled as a whole; same-database deliveries settle alone."""
    monkeypatch.setattr(settler, "LONGEST_WAIT", 3600.0)
    paid.connect(
        lambda sender, n, connection=None, **kw: None,
        weak=False,
        delivery=durable(name="mail", **CASES[case]),
    )
    if number:
        stage.send(paid, [{"n": n, "kind": "a"} for n in range(number)])
    names: list[str] = []
    database = altered(stage.database, lambda each: record(each, names))
    assert Worker(database, concurrency=1, lease=3600.0).once()["made"] == number
    check("worker", f"{database.dialect}, {case}, {number} deliveries", by_name(names))
