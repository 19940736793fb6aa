"""The plans of the databases for the statements of workers, on 50,000 rows."""

import json
from typing import Any

import pytest

from clarion.outbox.delivery_row import PARTITIONS
from clarion.outbox.statements import pyformat, statements
from tests.outbox.databases import outbox_on

RECEIVERS = ["busy", "keyed", "quiet"]

# The rows n of 0 to 49,999; and how each database writes the values of a row.
SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 49999) ",
}
NUMBERS = {
    "sqlite": "s",
    "postgresql": "generate_series(0, 49999) s(n)",
    "mysql": "(SELECT seq n FROM seq_0_to_49999) s",
}
UID = {
    "sqlite": "printf('%032x', n)",
    "postgresql": "lpad(to_hex(n), 32, '0')",
    "mysql": "lpad(hex(n), 32, '0')",
}
MADE = {
    "sqlite": "printf('f%031x', n)",
    "postgresql": "'f' || lpad(to_hex(n), 31, '0')",
    "mysql": "concat('f', lpad(hex(n), 31, '0'))",
}
KEY = {"sqlite": "'key' || n", "postgresql": "'key' || n", "mysql": "concat('key', n)"}
PAYLOAD = {"sqlite": "X'7B7D'", "postgresql": "'{}'::bytea", "mysql": "X'7B7D'"}
# Two receivers have most of the rows. Those of the second have keys, in two hot partitions.
RECEIVER = "CASE WHEN n % 5 < 2 THEN 'busy' WHEN n % 5 < 4 THEN 'keyed' ELSE 'quiet' END"
PART_OF_ROW = "CASE WHEN n % 5 IN (2, 3) THEN n % 2 + 3 END"
ANALYZE = {
    "sqlite": [],  # a program rarely calls it there, so the plans must do without
    "postgresql": ["ANALYZE clarion_event, clarion_delivery, clarion_partition, clarion_blocked"],
    "mysql": ["ANALYZE TABLE clarion_event, clarion_delivery, clarion_partition, clarion_blocked"],
}

# By statement: its parameters, and whether it may sort, because the rows are those of one batch.
SMALL = {"clarion_partition", "clarion_blocked"}  # the planner decides by their size
CLAIMS = json.dumps([[number, 0] for number in range(1, 501)])
NAMES = json.dumps(RECEIVERS)
PART = {"receiver": "keyed", "part": 3}
HOT: dict[str, tuple[dict[str, Any], bool]] = {
    "due": ({"receivers": NAMES}, False),
    "claim": ({"receiver": "busy", "limit": 500, "lease": 1}, False),
    "claimed": ({"ids": json.dumps(list(range(1, 501)))}, True),
    "settle": ({"claims": CLAIMS}, False),
    "renew": ({"claims": CLAIMS, "lease": 1}, False),
    "count_held": ({"claims": CLAIMS}, False),
    "hand_back": ({"claims": CLAIMS}, False),
    "retry": ({"id": 5, "attempt": 0, "delay": 1, "error": ""}, False),
    "due_partitions": ({"receivers": NAMES}, False),
    "lease_partition": ({**PART, "lease": 1}, False),
    "renew_partition": ({**PART, "epoch": 0, "lease": 1}, False),
    "has_partition": ({**PART, "epoch": 0}, False),
    "hold_partition": ({**PART, "epoch": 0}, False),
    "window": ({**PART, "limit": 500}, False),
    "unblock": ({"receiver": "keyed", "key": "key2", "dead": 1 << 62}, False),
    "prune": ({"age": 1, "limit": 1000}, False),
}
OWN: dict[str, dict[str, tuple[dict[str, Any], bool]]] = {
    "mysql": {
        "mark_claimed": ({"ids": json.dumps(list(range(1, 501))), "lease": 1}, False),
        "mark_renewed": ({"ids": json.dumps(list(range(1, 501))), "lease": 1}, False),
        "renewable": ({"claims": CLAIMS}, False),
        "renewable_partition": ({**PART, "epoch": 0}, False),
    }
}


def fill(connection):
    """Store 50,000 deliveries, events without any, and blocked keys."""
    dialect = connection.dialect
    of_rows = f"FROM {NUMBERS[dialect]}"
    series, quote = SERIES.get(dialect, ""), "`" if dialect == "mysql" else '"'
    uid, made = UID[dialect], MADE[dialect]
    event = f"INSERT INTO clarion_event (uid, {quote}signal{quote}, version, payload, headers, created_at)"
    fills = [
        f"{event} {series}SELECT {uid}, 'shop.paid', 1, {PAYLOAD[dialect]}, '{{}}', {age} {of_rows}"
        # The events of the second half have no deliveries any more, and most of them are new.
        for uid, age in ((uid, "n"), (made, "CASE WHEN n % 10 = 0 THEN n ELSE 9000000000000 END"))
    ]
    fills += [
        (
            f"INSERT INTO clarion_delivery (event, receiver, {quote}key{quote}, part, visible_at)"
            f" {series}SELECT {uid}, {RECEIVER}, CASE WHEN n % 5 IN (2, 3) THEN {KEY[dialect]} END,"
            f" {PART_OF_ROW}, CASE WHEN n % 50 = 7 THEN 9000000000000 ELSE n END {of_rows}"
        ),
        (
            f"INSERT INTO clarion_blocked (receiver, {quote}key{quote}, until)"
            f" {series}SELECT 'keyed', {KEY[dialect]}, NULL {of_rows} WHERE n % 5 = 2 AND n < 5000"
        ),
    ]
    with connection.transaction():
        connection.change("add_partitions", receivers=NAMES, parts=json.dumps([*range(PARTITIONS)]))
        for statement in fills:
            run(connection, statement)
    for statement in ANALYZE[dialect]:
        run(connection, statement)


def run(connection, statement, parameters=()):
    """Execute a statement, and return its rows."""
    cursor = connection.connection.cursor()
    cursor.execute(statement, parameters) if parameters else cursor.execute(statement)
    found = list(cursor.fetchall()) if cursor.description else []
    cursor.close()
    return found


@pytest.fixture(
    scope="module",
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ],
)
def full(request, tmp_path_factory):
    """Yield a connection to an outbox of 50,000 rows."""
    with outbox_on(request.param, tmp_path_factory.mktemp("plans")) as outbox:
        fill(outbox.opened[0])
        yield outbox.opened[0]


def plan_of(connection, name, parameters):
    """Return the steps of a plan that read a whole large table, those that sort, and all."""
    return PLANS[connection.dialect](connection, name, parameters)


def plan_of_sqlite(connection, name, parameters):
    """Return what SQLite plans."""
    rows = run(connection, f"EXPLAIN QUERY PLAN {statements('sqlite')[name]}", parameters)
    steps = [row[3] for row in rows]
    scans = [each for each in steps if each.startswith("SCAN") and "VIRTUAL TABLE" not in each]
    return scans, [each for each in steps if "TEMP B-TREE" in each], steps


def plan_of_postgresql(connection, name, parameters):
    """Return what PostgreSQL plans."""
    text = pyformat("postgresql")[name]
    ((plan,),) = run(connection, f"EXPLAIN (FORMAT JSON) {text}", parameters)
    nodes = list(walk(plan[0]["Plan"]))
    scans = [
        f"{node['Node Type']} {node['Relation Name']}"
        for node in nodes
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL
    ]
    sorts = [node["Node Type"] for node in nodes if "Sort" in node["Node Type"]]
    shown = [f"{node['Node Type']} {node.get('Index Name', '')}" for node in nodes]
    return scans, sorts, shown


def walk(node: dict[str, Any]):
    """Yield a node of a plan, and those below it."""
    yield node
    for each in node.get("Plans", []):
        yield from walk(each)


def plan_of_mysql(connection, name, parameters):
    """Return what MariaDB plans."""
    rows = run(connection, f"EXPLAIN {pyformat('mysql')[name]}", parameters)
    steps = [f"{row[1]} {row[2]} {row[3]} {row[5]} {row[-1]}" for row in rows]
    # The blocked keys may be read once, and kept in memory.
    tables = [row for row in rows if row[1] != "MATERIALIZED" or row[2] != "b"]
    tables = [row for row in tables if row[2] and "Table function" not in (row[-1] or "")]
    scans = [f"{row[2]} {row[3]}" for row in tables if row[3] in {"ALL", "index"}]
    return scans, [each for each in steps if "filesort" in each], steps


PLANS = {"sqlite": plan_of_sqlite, "postgresql": plan_of_postgresql, "mysql": plan_of_mysql}


@pytest.mark.parametrize("name", [*HOT, *OWN["mysql"]])
def test_no_hot_statement_reads_or_sorts_a_whole_table(full, name):
    """Each frequent statement uses an index, and its order is that of the index."""
    if name not in statements(full.dialect):
        pytest.skip("this database needs no such statement")
    parameters, may_sort = HOT.get(name) or OWN[full.dialect][name]
    text = statements(full.dialect)[name]
    given = {key: value for key, value in parameters.items() if f":{key}" in text}
    scans, sorts, steps = plan_of(full, name, given)
    assert not scans, steps
    assert may_sort or not sorts, steps


def test_the_status_reads_each_row_once(full):
    """The status reads each row once; only a starting worker and a person request it."""
    scans, _, steps = plan_of(full, "waiting", {})
    assert len(scans) == 1, steps
