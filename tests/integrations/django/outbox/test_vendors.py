"""The kinds of databases."""

import pytest
from django.db import connections

from clarion.errors import BoundaryError
from clarion.integrations.django.outbox import vendors
from clarion.integrations.django.outbox.vendors import dialect_of, is_supported, transaction_mode
from clarion.outbox import statements


class Oracle:
    """A connection to a database without an outbox."""

    vendor = "oracle"
    alias = "legacy"


def test_a_database_without_statements_is_refused():
    """A database without statements is refused; the message names the alias, the kind and the cure."""
    assert not is_supported(Oracle)
    with pytest.raises(BoundaryError, match=r"'legacy' .* 'oracle'\. Use SQLite"):
        dialect_of(Oracle)


def test_a_kind_with_statements_is_its_dialect():
    """Django's names of the kinds of database lead to the dialects of the outbox."""
    connection = connections["default"]
    assert is_supported(connection)
    assert dialect_of(connection) == "sqlite"
    assert vendors.DIALECTS == statements.DIALECTS
    assert transaction_mode(connection) == "DEFERRED"
