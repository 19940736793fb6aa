"""The options of several commands of `clarion outbox`."""

import pytest


@pytest.mark.parametrize("row", ["0", "-1", "x", str(2**63)])
def test_an_impossible_id_is_misuse(outbox, row):
    """An id that no row can have is refused before the database is asked."""
    done = outbox("show", "--", row)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
