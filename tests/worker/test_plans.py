"""The receivers that a worker serves, by the names in the rows."""

import pytest

from clarion import durable
from clarion.errors import ArgumentError
from tests.worker.stage import worker


def test_deliveries_of_unknown_receivers_wait(stage, paid):
    """Deliveries of unknown and of disconnected receivers wait."""

    def receive(sender, n, **kwargs):
        raise AssertionError

    paid.connect(receive, delivery=durable(name="gone"))
    stage.send(paid, [{"n": 1}])
    paid.disconnect(receive)
    worker(stage).drain()
    assert stage.waiting() == (1, 0)


def test_a_renamed_receiver_gets_what_was_stored_before(stage, paid):
    """A renamed receiver gets earlier deliveries by its alias."""
    seen = []

    def receive(sender, n, **kwargs):
        seen.append(n)

    paid.connect(receive, delivery=durable(name="old", key="n"))
    stage.send(paid, [{"n": 1}])
    paid.disconnect(receive)
    paid.connect(receive, delivery=durable(name="new", key="n", aliases=["old"]))
    stage.send(paid, [{"n": 2}])
    worker(stage).drain()
    assert sorted(seen) == [1, 2]


def test_a_name_that_no_receiver_has_is_logged(stage, paid, caplog):
    """A worker for a misspelled receiver makes nothing, so it says that."""

    def receive(sender, n, **kwargs):
        raise AssertionError

    paid.connect(receive, delivery=durable(name="mail", aliases=["post"]))
    worker(stage, receivers=["post", "mial"]).drain()
    (message,) = [each for each in caplog.messages if "No connected receiver" in each]
    assert message.startswith("No connected receiver has the name 'mial', which this worker")


def test_a_text_in_place_of_the_names_is_refused(stage):
    """Its letters are not the names of receivers."""
    with pytest.raises(ArgumentError, match=r"receivers=a str\. Give a list of names"):
        worker(stage, receivers="mail")


def test_a_receiver_that_another_worker_serves_is_not_reported(stage, paid, caplog):
    """It is connected in this program, and its deliveries wait for the other worker."""
    for name in ("mail", "bill"):
        paid.connect(lambda sender, **kwargs: None, delivery=durable(name=name), weak=False)
    stage.send(paid, [{"n": 1}])
    assert worker(stage, receivers=["mail"]).drain() == {"made": 1}
    assert not caplog.messages
