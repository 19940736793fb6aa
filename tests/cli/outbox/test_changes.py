"""`clarion outbox requeue`, `discard` and `prune`."""

import json

import pytest

from clarion.worker import upkeep as module


def test_a_delivery_is_requeued(invoke, any_shop):
    """A requeued delivery waits again, on each kind of database."""
    row = any_shop.bury()
    done = invoke("outbox", "requeue", row, CLARION_DATABASE=any_shop.url)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "1 delivery requeued.\n", "")
    assert any_shop.counts() == {"shop:mail": (1, 0)}


@pytest.mark.parametrize("choice", [["--all"], ["--receiver", "shop:mail"]])
def test_many_are_requeued(outbox, shop, choice):
    """All deliveries, or those of a receiver, are requeued."""
    rows = [shop.bury() for _ in range(2)]
    found = json.loads(outbox("requeue", *choice, "--json").stdout)
    assert found == {"requeued": rows}
    assert outbox("requeue", *choice).stdout == "0 deliveries requeued.\n"


def test_a_choice_is_needed(outbox):
    """Without ids, a receiver or --all nothing is changed."""
    for name in ("requeue", "discard"):
        done = outbox(name)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: Name what you mean")


def test_a_delivery_is_discarded(invoke, any_shop):
    """With --yes a delivery is removed, on each kind of database."""
    row = any_shop.bury()
    done = invoke("outbox", "discard", row, "--yes", CLARION_DATABASE=any_shop.url)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "1 delivery discarded.\n", "")
    assert any_shop.counts() == {}


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_discard_asks(outbox, shop, answer, left):
    """Without --yes `discard` asks, and without an answer it removes nothing."""
    row = shop.bury()
    done = outbox("discard", row, answer=answer)
    assert "Discard 1 delivery in the SQLite file 'shop.db'?" in done.stderr
    assert len(shop.dead()) == left
    assert done.exit_code == left
    assert ("Nothing was discarded" in done.stderr) == bool(left)


def test_nothing_to_discard_is_not_asked(outbox):
    """If no delivery is selected, `discard` does not ask."""
    assert json.loads(outbox("discard", "--all", "--json").stdout) == {"discarded": []}


def test_old_sends_are_removed(invoke, any_shop, monkeypatch):
    """Sends whose deliveries were made are removed; dead and waiting ones stay."""
    for _ in range(3):
        row = any_shop.bury()
        invoke("outbox", "discard", row, "-y", CLARION_DATABASE=any_shop.url)
    any_shop.bury()
    any_shop.publish()
    young = invoke("outbox", "prune", "--older-than", "7d", CLARION_DATABASE=any_shop.url)
    assert (young.exit_code, young.stdout) == (0, "0 sends removed.\n")
    old = invoke("outbox", "prune", "--older-than", "0s", CLARION_DATABASE=any_shop.url)
    assert (old.stdout, old.stderr) == ("3 sends removed.\n", "")
    assert any_shop.counts() == {"shop:mail": (1, 1)}


def test_old_sends_are_removed_in_batches(outbox, shop, monkeypatch):
    """More sends than one transaction removes are removed."""
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 2)
    for _ in range(4):
        shop.bury()
    outbox("discard", "--all", "-y")
    found = outbox("prune", "--older-than", "0s", "--json")
    assert json.loads(found.stdout) == {"removed": 4}


def test_a_wrong_age_is_one_sentence(outbox):
    """An age that cannot be read is refused with examples."""
    done = outbox("prune", "--older-than", "a week")
    assert done.exit_code == 2
    assert "90s, 30m, 12h, 7d or 2w" in done.stderr
