"""The protocol of a database."""

from clarion.outbox import ReceiverTransaction


def test_a_transaction_provides_nothing_by_default():
    """A database without sessions needs no more than its default."""
    transaction = ReceiverTransaction()
    assert (transaction.connection, transaction.provided, transaction.session) == (None, {}, None)
    assert ReceiverTransaction().provided is not transaction.provided
