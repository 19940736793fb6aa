"""Payloads of older versions become those of the current one."""

from decimal import Decimal
from typing import Any

import pytest

from clarion import Signal
from clarion.envelope.upcast import (
    NewerVersionError,
    dump_upcasted,
    upcast,
    upcasted,
    upcasters_of,
    version_of,
)
from clarion.errors import ArgumentError, DecodingError


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


def test_a_module_that_is_loaded_again_replaces_its_upcasters():
    """The version does not grow, and another function of this version is still refused."""
    signal = Signal(name="shop.reloaded")

    def load():
        def convert(payload):
            return {**payload, "loads": payload.get("loads", 0) + 1}

        upcast(signal, version=1)(convert)
        return convert

    load()
    last = load()
    assert list(upcasters_of(signal)) == [last]
    assert upcasted(signal, 1, {}) == {"loads": 1}
    with pytest.raises(ArgumentError, match=r"that of version 2, and version=1 was given"):
        upcast(signal, version=1)(lambda payload: payload)
    for odd in (True, 2.0):
        with pytest.raises(ArgumentError, match="of version 2"):
            upcast(signal, version=odd)(lambda payload: payload)  # type: ignore[arg-type]


@pytest.mark.parametrize("returned", [None, [], {1: 2}])
def test_an_upcaster_that_returns_no_keywords_is_named(returned):
    """A forgotten `return` is found by the message."""
    signal = Signal(name="shop.forgotten")

    @upcast(signal, version=1)
    def forgetful(payload):
        return returned

    with pytest.raises(
        DecodingError, match=r"The upcaster .*forgetful .* of signal shop\.forgotten"
    ):
        upcasted(signal, 1, {})


def test_the_error_of_an_upcaster_names_it():
    """The error itself stays as it is."""
    signal = Signal(name="shop.broken")

    @upcast(signal, version=1)
    def broken(payload):
        raise LookupError("amount")

    with pytest.raises(LookupError) as info:
        upcasted(signal, 1, {})
    assert "upcaster" in info.value.__notes__[0]
    assert "broken" in info.value.__notes__[0]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Decimal(5), r"amount is an object of decimal\.Decimal"),
        ([{"a": float("inf")}], r"amount\[0\]\[\.\.\.\] is a number that JSON cannot .*"),
    ],
    ids=["type", "number"],
)
def test_values_that_are_no_json_are_refused_before_they_are_decoded(value, reason):
    """The keyword and the type are named, because the function is to be mended."""
    paid: Any = Signal(name="upcast.paid")
    assert dump_upcasted(paid, {"amount": "5"}) == b'{"amount":"5"}'
    with pytest.raises(DecodingError, match=rf"signal upcast\.paid returned .* {reason}\. Return"):
        dump_upcasted(paid, {"amount": value})
