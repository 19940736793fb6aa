"""Payloads of older versions become those of the current one."""

import pytest

from clarion import Signal
from clarion.envelope.upcast import NewerVersionError, upcast, upcasted, upcasters_of, version_of
from clarion.errors import ArgumentError


def test_the_upcasters_run_in_order_from_the_stored_version():
    """Those of earlier versions do not run."""
    changed = Signal(name="shop.changed")

    @upcast(changed, version=1)
    def first(payload):
        return {**payload, "first": True}

    @upcast(changed, version=2)
    def second(payload):
        return {**payload, "second": True}

    assert version_of(changed) == 3
    assert upcasted(changed, 1, {}) == {"first": True, "second": True}
    assert upcasted(changed, 2, {}) == {"second": True}
    assert upcasted(changed, 3, {}) == {}


def test_a_newer_version_is_refused():
    """It waits for a newer worker."""
    signal = Signal(name="shop.newer")
    with pytest.raises(
        NewerVersionError, match=r"has version 2, and this program knows .* up to 1"
    ):
        upcasted(signal, 2, {})


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_the_versions_have_no_gap(version):
    """The next one is named."""
    signal = Signal(name="shop.gap")
    with pytest.raises(ArgumentError, match="is that of version 1"):
        upcast(signal, version=version)(lambda payload: payload)


def test_the_upcasters_of_a_signal_include_those_registered_later():
    """A worker that has asked before sees them."""
    later = Signal(name="upcast.later")
    found = upcasters_of(later)
    assert list(found) == []

    @upcast(later, version=1)
    def first(payload):
        return payload

    assert list(found) == [first]
