"""Keys that cannot be hashed or compared, on every boundary."""

import pytest

from clarion import on_commit
from clarion.errors import ArgumentError
from clarion.testing import restored
from tests.scenarios.stages import paid


class NoHash:
    """A key whose `__hash__` raises."""

    def __hash__(self):
        raise ValueError("s3cret")


class NoEquality:
    """A key that cannot be compared."""

    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise TypeError("s3cret")


class NoTruth:
    """A key whose `==` returns what has no truth value, as that of an array."""

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return NoTruthOfItsOwn()


class NoTruthOfItsOwn:
    """What `==` of an array returns."""

    def __bool__(self):
        raise ValueError("s3cret")


class LateHash:
    """A key whose `__hash__` raises from the second time on."""

    def __init__(self):
        self.times = 0

    def __hash__(self):
        self.times += 1
        if self.times > 1:
            raise ValueError("s3cret")
        return 1


def play(opened, *keys):
    """Send with each key in one transaction; return what two receivers have got."""
    keyed, plain = [], []

    def coalesced(n, **kwargs):
        keyed.append(n)

    def other(n, **kwargs):
        plain.append(n)

    with opened() as stage, restored():
        paid.connect(coalesced, delivery=on_commit(coalesce="key"))
        paid.connect(other, delivery=on_commit)

        async def send():
            async with stage.block():
                for n, key in enumerate(keys):
                    await stage.send(n, key)

        stage.run(send())
    return keyed, plain


@pytest.mark.parametrize("key", [NoEquality, NoTruth, LateHash])
def test_a_key_that_cannot_be_compared(opened, key, caplog):
    """Each call runs, not merged, which is logged without a value; nothing else is affected."""
    keys = key(), key(), key()
    assert play(opened, *keys) == ([0, 1, 2], [0, 1, 2])
    # CPython 3.14 calls __hash__ only once for each key.
    has_raised = any(getattr(each, "times", 2) > 1 for each in keys)
    assert ("when it was compared, so this call is not merged" in caplog.text) == has_raised
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("key", [[], NoHash()])
def test_a_key_that_cannot_be_hashed(opened, key):
    """The send is refused inside the transaction, in a sentence without a value."""
    with pytest.raises(ArgumentError, match=r"which are unhashable\. Coalesce by") as caught:
        play(opened, key)
    assert "s3cret" not in str(caught.value)
