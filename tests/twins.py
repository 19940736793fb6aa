"""The sends are there twice, in Python and compiled, and have to pass the same tests."""

import os

import pytest

from clarion import Signal
from clarion._core import compiled

NAMES = ("send", "send_robust", "asend", "asend_robust", "has_listeners")
# Whoever has all of memory checked has time for one of them only.
IMPLEMENTATIONS = os.environ.get("CLARION_TWINS", "python compiled").split()


def put(patch: pytest.MonkeyPatch, implementation: str) -> None:
    """Have all signals send by this implementation; skip where it is not there."""
    if implementation == "compiled" and not compiled.is_compiled():
        # Where everything has to be there, so has a compiler.
        asked = os.environ.get("CLARION_PURE", "0") not in {"", "0"}
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
    """Run the test with signals of either implementation in turn."""
    put(monkeypatch, request.param)
    return request.param
