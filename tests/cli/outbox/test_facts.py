"""Stored deliveries as JSON."""

import json

from clarion.cli.outbox.facts import all_facts_of_dead, facts_of_dead, facts_of_receiver
from clarion.outbox import store


def test_a_dead_delivery_is_json(shop):
    """The facts of a dead delivery are JSON, with the payload as it was sent."""
    row = shop.bury(error="Traceback:\nValueError: no", number=7)
    dead = shop.run(store.find_dead, row)
    short, full = facts_of_dead(dead), all_facts_of_dead(dead)
    assert json.loads(json.dumps(full)) == full
    assert short.items() <= full.items()
    assert (full["id"], full["receiver"], full["signal"]) == (row, "shop:mail", "shop.order_paid")
    assert (full["error"], full["failures"], full["key"]) == ("ValueError: no", 1, None)
    assert full["payload"]["values"] == {"number": 7}


def test_a_receiver_is_json(shop):
    """The counts of a receiver are JSON, also if nothing waits."""
    shop.bury()
    (counts,) = shop.run(store.waiting)
    expected = {"receiver": "shop:mail", "waiting": 0, "first_due": None, "failing": 0, "dead": 1}
    assert facts_of_receiver(counts) == expected
