"""How a send is stored, whatever the number of its receivers."""

import pytest

from clarion.outbox.delivery_row import Target, partition_of
from clarion.outbox.statements import FEW


def read(connection, columns):
    """Return these columns of the deliveries, in their order."""
    key = "`key`" if connection.dialect == "mysql" else '"key"'
    cursor = connection.connection.cursor()
    cursor.execute(f"SELECT {columns.format(key=key)} FROM clarion_delivery ORDER BY id")  # noqa: S608
    return [tuple(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("number", [1, 2, FEW, FEW + 1, 3 * FEW])
def test_each_receiver_has_its_row(outbox, connection, number):
    """The rows have the order of the receivers, with the key, the partition and the delay of each."""
    targets = [
        Target(f"r{n:02}", None if n % 2 else f"key {n}", 0 if n % 3 else 10_000 * n)
        for n in range(number)
    ]
    ((before,),) = connection.rows("now")
    envelope = outbox.publish(*targets)
    ((after,),) = connection.rows("now")
    found = read(connection, "receiver, {key}, part, visible_at, event")
    assert [row[:3] for row in found] == [
        (each.receiver, each.key, None if each.key is None else partition_of(each.key))
        for each in targets
    ]
    assert {row[4] for row in found} == {envelope.uid.hex}
    for target, row in zip(targets, found, strict=True):
        assert before <= row[3] - target.delay <= after


def test_values_are_never_part_of_a_statement(outbox, connection):
    """Quotes and marks in a name or a key come back as they were."""
    target = Target("it's %s :uid", "a'; DROP TABLE clarion_event; -- {rows}")
    outbox.publish(target)
    assert read(connection, "receiver, {key}") == [(target.receiver, target.key)]
