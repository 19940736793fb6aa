"""The functions that access the table of a signal."""

from types import SimpleNamespace

import pytest

from clarion import Signal
from clarion._core.table import Table
from clarion._core.tabled import has_table, policy_of, remove_table, set_table, table_of


def test_a_signal_has_a_table():
    """A signal has a table, and the table has the policy."""
    made = Signal()
    assert has_table(made)
    assert type(table_of(made)) is Table
    assert policy_of(made) is table_of(made).policy


def test_a_table_can_be_given_and_taken_away():
    """A framework's signal stores its table in an attribute, which can be removed."""
    signal = SimpleNamespace()
    assert not has_table(signal)
    set_table(signal, table := Table())
    assert table_of(signal) is table
    remove_table(signal)
    assert not has_table(signal)
    with pytest.raises(AttributeError):
        table_of(signal)
