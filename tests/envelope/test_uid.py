"""Identifiers that sort by time."""

import copy
import time
from uuid import UUID

from clarion.envelope.uid import new_uid


def test_it_is_a_uuid_of_version_7():
    """RFC 9562: version 7, the variant of the RFC."""
    uid = new_uid()
    assert (uid.version, uid.variant) == (7, "specified in RFC 4122")


def test_it_contains_the_time_in_milliseconds():
    """The first 48 bits are the time."""
    before = time.time_ns() // 1_000_000
    uid = new_uid()
    assert before <= uid.int >> 80 <= time.time_ns() // 1_000_000


def test_no_two_are_equal():
    """74 bits are random."""
    assert len({new_uid() for _ in range(10_000)}) == 10_000


def test_every_bit_but_the_fixed_ones_is_random():
    """Of the last 80 bits, only those of the version and the variant are the same in each."""
    numbers = [new_uid().int & (1 << 80) - 1 for _ in range(1_000)]
    fixed, ever = 7 << 76 | 2 << 62, 0
    always = (1 << 80) - 1
    for number in numbers:
        always &= number
        ever |= number
    assert always == fixed
    assert ever == (1 << 80) - 1 ^ (8 << 76 | 1 << 62)


def test_it_is_like_a_uuid_of_the_constructor():
    """It is equal to the UUID of the same number, has the same attributes, and can be copied."""
    uid = new_uid()
    same = UUID(int=uid.int)
    assert (uid, hash(uid), str(uid), uid.is_safe) == (same, hash(same), str(same), same.is_safe)
    assert copy.deepcopy(uid) == uid
