"""Fixtures of the envelope's tests."""

import pytest

from clarion.envelope import references
from tests.envelope.kinds import Records


@pytest.fixture
def records(monkeypatch):
    """Register a kind of reference for the test."""
    monkeypatch.setattr(references, "kinds", {})
    kind = Records()
    references.register_reference_kind(kind)
    return kind
