"""The statements by name, as each driver takes them."""

import re

import pytest

from clarion.errors import ArgumentError
from clarion.outbox.statements import DIALECTS, numbered, pyformat, statements


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_is_complete(dialect):
    """No statement has a comment, an unreplaced clock, or a parameter in another form."""
    for name, text in statements(dialect).items():
        assert text, name
        assert "{" not in text
        assert "--" not in text
        assert not text.endswith(";")
        assert not re.search(r"(?<!:):[a-z_]+", pyformat(dialect)[name])


def test_each_database_has_the_same_statements():
    """The databases have the same statements, except for those listed here."""
    ending = {"connection_number", "end_connection"}
    notify = {"notify_function", "notify_drop", "notify_trigger", "drop_notify_function"}
    whole = {*(f"publish_few_{n}" for n in range(1, 11)), "publish_many"}
    parts = {*(f"publish_few_deliveries_{n}" for n in range(1, 11)), "publish_many_deliveries"}
    renewing = {"renewable", "mark_renewed", "renewable_partition"}
    own = {
        "sqlite": {"publish_event", "publish_delivery", "renew", "mark_leased"},
        "postgresql": {*whole, *notify, "existing", "vacuum", "renew", *ending},
        "mysql": {
            *whole,
            *parts,
            "publish_event",
            "mark_claimed",
            "mark_leased",
            *renewing,
            *ending,
        },
    }
    indexes = {name for name in statements("sqlite") if name.startswith("create_index")}
    shared = {*statements("sqlite")} - own["sqlite"] - indexes
    for dialect in DIALECTS:
        assert {*statements(dialect)} - own[dialect] - indexes == shared


def test_numbered_parameters_keep_their_order():
    """A parameter that is used twice has one number."""
    text, order = numbered("postgresql")["settle"]
    assert "$1" in text
    assert order == ("claims",)
    for text, order in numbered("postgresql").values():
        assert {*re.findall(r"\$(\d+)", text)} >= {str(n) for n in range(1, len(order) + 1)}


def test_another_database_is_refused():
    """Another database is refused with the supported ones."""
    with pytest.raises(ArgumentError, match="Use SQLite, PostgreSQL, MariaDB or MySQL"):
        statements("oracle")
