"""An interrupt at any point of the blocks of a session leaves none open."""

import pytest
from sqlalchemy.orm import Session

from clarion.commit import active_boundaries
from clarion.integrations.sqlalchemy import bound, raw
from clarion.integrations.sqlalchemy.flush.raw import is_raw
from tests.commit.interrupted_blocks import FORMS, check_ends


@pytest.mark.parametrize("form", FORMS)
def test_bound(form, engine):
    """Sends wait for the session no more."""
    session = Session(engine)
    check_ends(form, lambda: bound(session), lambda: next(active_boundaries(), None) is None)


@pytest.mark.parametrize("form", FORMS)
def test_raw(form, engine):
    """Receivers get `raw=True` no more."""
    session = Session(engine)
    check_ends(form, lambda: raw(session), lambda: not is_raw(session))
