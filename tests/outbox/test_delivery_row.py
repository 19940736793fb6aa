"""The rows, as data."""

from clarion.outbox.delivery_row import PARTITIONS, Claim, partition_of


def test_a_key_has_the_same_partition_in_each_process():
    """The partition does not depend on the seed of hash(), because it is stored."""
    assert [partition_of(key) for key in ("", "order 1", "Zoë")] == [0, 2, 10]
    assert {partition_of(str(number)) for number in range(1000)} == {*range(PARTITIONS)}


def test_a_claim_has_the_envelope_of_its_send():
    """The envelope of a claim has decoded headers."""
    claim = Claim(1, 1, 0, None, "0" * 31 + "7", "shop.paid", 2, b"{}", '{"tenant": 5}', 1_000_500)
    envelope = claim.envelope()
    assert (envelope.uid.int, envelope.signal, envelope.version) == (7, "shop.paid", 2)
    assert envelope.headers == {"tenant": 5}
    assert envelope.created_at.timestamp() == 1000.5
