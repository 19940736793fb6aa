"""An interrupt at any point of a block's entry or end leaves no block open."""

import sqlite3

import pytest

from clarion import Signal
from clarion.commit import active_boundaries, atomic, suppressed
from clarion.commit.suppress import active_suppression
from clarion.testing import muted
from tests.commit.interrupted_blocks import FORMS, check_ends
from tests.core.receivers import echo

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.fixture
def paid():
    """Return a signal with no receiver."""
    return Signal(name="shop.paid")


@pytest.mark.parametrize("form", FORMS)
def test_suppressed(form):
    """Calls are suppressed no more: a later one would be lost without a word."""
    check_ends(form, lambda: suppressed("an import"), lambda: active_suppression() is None)


@pytest.mark.parametrize("form", FORMS)
def test_atomic(form):
    """The connection is in no transaction, and sends wait for none."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)

    def is_over():
        return not connection.in_transaction and next(active_boundaries(), None) is None

    check_ends(form, lambda: atomic(connection), is_over)
    connection.close()


@pytest.mark.parametrize("options", [{}, {"context": True}, {"sender": str}], ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_connected(form, paid, options):
    """The receiver is not called, and not listed."""

    def is_over():
        return paid.send(str) == [] and not paid.has_listeners()

    check_ends(form, lambda: paid.connected(echo, **options), is_over)


@pytest.mark.parametrize("form", FORMS)
def test_muted(form, paid):
    """The receiver is called again."""
    paid.connect(echo)
    check_ends(form, lambda: muted(paid), lambda: len(paid.send(str)) == 1)
