"""Sends where no transaction is open: run, skip or refuse."""

import asyncio

import pytest

from clarion import on_commit
from clarion.commit import OnCommit, atomic, set_outside
from clarion.errors import ArgumentError, BoundaryError
from clarion.introspect import explain
from tests.commit.conftest import Calls, only

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.fixture
def _restored():
    before = set_outside("run")
    yield
    set_outside(before)


def send(kind, signal, **kwargs):
    """Send in one of two ways."""
    return asyncio.run(signal.asend(None, **kwargs)) if kind else signal.send(None, **kwargs)


@pytest.mark.parametrize("kind", [False, True], ids=["send", "asend"])
class TestOptions:
    """The option `outside` of a receiver."""

    def test_skip(self, kind, signal):
        """With "skip" the receiver does not run outside a transaction, and runs after a commit."""
        calls = Calls()
        calls.listen(signal, delivery=on_commit(outside="skip"))
        assert only(send(kind, signal, n=1)).status == "dropped"
        assert "never, because no transaction is open and its outside is 'skip'" in str(
            explain(signal)
        )
        with atomic():
            signal.send(None, n=2)
        assert calls == [2]

    def test_refuse(self, kind, signal):
        """With "refuse" the send raises an error that names the receiver."""
        calls = Calls()
        calls.listen(signal, delivery=on_commit(outside="refuse"))
        with pytest.raises(BoundaryError, match=r"no transaction is open here. Send inside"):
            send(kind, signal, n=1)
        assert calls == []

    @pytest.mark.usefixtures("_restored")
    def test_default(self, kind, signal):
        """The default can be changed for the process; an option of the receiver has priority."""
        calls = Calls()
        calls.listen(signal)
        calls.listen(signal, delivery=on_commit(outside="run"), name="run")
        assert set_outside("skip") == "run"
        send(kind, signal, n=1)
        assert calls == [("run", 1)]


def test_unknown_option_is_refused():
    """An option other than run, skip and refuse raises an error."""
    for give in (lambda: on_commit(outside="never"), lambda: set_outside("never")):
        with pytest.raises(ArgumentError, match="Give 'run', 'skip' or 'refuse'"):
            give()


def test_decorator_is_refused():
    """`@on_commit` is refused because it is a delivery; the message has the correct line."""
    for make in (on_commit, OnCommit):
        with pytest.raises(ArgumentError, match=r"write @receiver\(signal, delivery=on_commit\)"):
            make(lambda **kwargs: None)  # type: ignore[arg-type]
