"""Both implementations of the sends, in Python and compiled, for the same tests."""

import os

import pytest

from clarion import Signal
from clarion._core import compiled

NAMES = ("send", "send_robust", "asend", "asend_robust", "has_listeners")
# The slow run with memory checks (`make asan`) tests only one of them.
IMPLEMENTATIONS = os.environ.get("CLARION_TWINS", "python compiled").split()


def put(patch: pytest.MonkeyPatch, implementation: str) -> None:
    """Make all signals use this implementation; skip the test if it is missing."""
    if implementation == "compiled" and not compiled.is_compiled():
        # The environment with all services also has a compiler.
        asked = "CLARION_PURE" in compiled.reason
        if os.environ.get("CLARION_REQUIRE_SERVICES") == "1" and not asked:
            pytest.fail(compiled.reason)
        pytest.skip(compiled.reason)
    for name in NAMES:
        method = vars(Signal)[name]
        function = getattr(method, "__wrapped__", method)
        ours = function if implementation == "python" else compiled.twin_of(function)
        patch.setattr(Signal, name, ours)


@pytest.fixture(params=IMPLEMENTATIONS, autouse=True)
def implementation(request, monkeypatch):
    """Run the test with each implementation."""
    put(monkeypatch, request.param)
    return request.param
