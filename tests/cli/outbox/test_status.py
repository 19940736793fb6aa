"""`clarion outbox status`."""

import json


def test_the_counts_are_shown(invoke, any_shop):
    """Each receiver has its counts, and the exit code is 1 because some are dead."""
    any_shop.publish("shop:stock")
    any_shop.bury("shop:mail")
    done = invoke("outbox", "status", CLARION_DATABASE=any_shop.url)
    assert (done.exit_code, done.stderr) == (1, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["receiver", "waiting", "first", "due", "failing", "dead"]
    assert lines[1] == ["shop:mail", "0", "1"]
    assert lines[2][:2] == ["shop:stock", "1"]
    assert done.stdout.endswith("1 dead. List them with `clarion outbox ls`.\n")


def test_deliveries_behind_a_dead_one_are_explained(invoke, any_shop):
    """Deliveries of the key of a dead one wait, although a worker runs."""
    any_shop.bury("shop:mail", key="7")
    status = ("outbox", "status")
    done = invoke(*status, CLARION_DATABASE=any_shop.url)
    assert "may wait" not in done.stdout
    any_shop.publish("shop:mail", key="7")
    done = invoke(*status, CLARION_DATABASE=any_shop.url)
    assert done.stdout.endswith(
        "`clarion outbox ls`. Later deliveries of the same keys may wait for them.\n"
    )


def test_an_empty_outbox_is_fine(outbox):
    """Without deliveries the exit code is 0."""
    done = outbox("status")
    assert done.exit_code == 0
    assert done.stdout == "No delivery waits in the SQLite file 'shop.db', and none is dead.\n"


def test_waiting_deliveries_are_fine(outbox, shop):
    """If deliveries only wait, the exit code is 0."""
    shop.publish()
    assert outbox("status").exit_code == 0


def test_json_has_the_counts(outbox, shop):
    """JSON has the sums and the counts of each receiver, with the same exit code."""
    shop.publish()
    shop.bury("shop:stock")
    done = outbox("status", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["waiting"], found["dead"]) == (1, 1)
    assert [each["receiver"] for each in found["receivers"]] == ["shop:mail", "shop:stock"]
    assert found["database"] == "the SQLite file 'shop.db'"


def test_deliveries_that_have_lost_workers_are_listed(invoke, any_shop):
    """An operator sees which delivery may end its workers, the most suspect one first."""
    any_shop.publish("shop:stock", key="7")
    any_shop.publish("shop:mail")
    any_shop.publish("shop:bill")
    status = ("outbox", "status")
    assert "suspects" not in invoke(*status, CLARION_DATABASE=any_shop.url).stdout
    first, second = any_shop.lose_workers(1, "shop:bill"), any_shop.lose_workers(2)
    done = invoke(*status, CLARION_DATABASE=any_shop.url)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].endswith("failing  dead  suspects")
    assert [line.split()[0] for line in lines[1:4]] == ["shop:bill", "shop:mail", "shop:stock"]
    assert [line.endswith("         1") for line in lines[1:4]] == [True, True, False]
    assert lines[7:] == [
        "2 deliveries have lost a worker. If one has lost two, its receiver probably ends the process:",
        "id  receiver   signal           key  lost workers",
        f" {second}  shop:mail  shop.order_paid                  2",
        f" {first}  shop:bill  shop.order_paid                  1",
    ]


def test_a_long_list_of_suspects_is_cut(outbox, shop):
    """A killed worker held hundreds of deliveries: ten are shown, and how many more there are."""
    for number in range(12):
        shop.publish(f"shop:{number:02}")
        shop.lose_workers(1, f"shop:{number:02}")
    done = outbox("status")
    lines = done.stdout.splitlines()
    assert (lines[-1], lines[-2].split()[1]) == ("2 more.", "shop:09")
    found = json.loads(outbox("status", "--json").stdout)
    assert [each["suspects"] for each in found["receivers"]] == [1] * 12
    assert [each["id"] for each in found["suspects"]] == list(range(1, 13))
