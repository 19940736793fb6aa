"""The response of a durable receiver in the send."""

from uuid import UUID

from clarion.outbox.stored import Stored


def test_the_repr_names_the_receiver_and_the_place():
    """The repr names the receiver and the transaction."""
    uid = UUID("01a223c4-1edf-72de-9e54-889cd6b223d8")
    stored = Stored(uid, "shop:mail", "Django's database 'default'", "it is the default")
    assert repr(stored) == f"<Stored for shop:mail in Django's database 'default': {uid}>"
