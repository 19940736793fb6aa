"""The names of a receiver's arguments, cached for each set of names that a send gives.

Two sends with the same keywords in the same order call their receivers with the same names.
So the checks of the names, and the defaults for missing ones, are computed once. Only the
compiled send uses the cache; in Python each send builds a dictionary of its arguments anyway.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    Names = tuple[str, ...]
    # The names of the receivers' arguments, in the order of their values: those of the send,
    # the defaults (the second item), and the signal if the third item is true.
    Call = tuple[Names, tuple[Any, ...], bool]

    _Calls = dict[Names, Call]
else:
    _Calls = dict

# A program sends few different sets of names, unless it computes them.
MOST = 1024


class Keywords(_Calls):
    """A cache: the names that a send gives are the key, the `Call` of its receivers is the value.

    The key includes `sender` if it is given by name; otherwise it is the first argument. A
    send that must be refused has no entry, because the function in Python raises the error.
    """

    def __missing__(self, given: Names) -> Call | None:
        call = self._call(given if "sender" in given else ("sender", *given))
        if call is not None:
            if len(self) >= MOST:
                self.clear()
            self[given] = call
        return call

    def _call(self, names: Names) -> Call | None:
        return None if "signal" in names else ((*names, "signal"), (), True)


class DeclaredKeywords(Keywords):
    """The calls of a declared signal.

    Args:
        parameters: the names of its keywords.
        defaults: the values of the keywords that a send may omit.
    """

    def __init__(self, parameters: Collection[str], defaults: Mapping[str, Any]) -> None:
        super().__init__()
        self._parameters = parameters
        self._defaults = defaults

    def _call(self, names: Names) -> Call | None:
        left_out = tuple(name for name in self._parameters if name not in names)
        if len(names) + len(left_out) > len(self._parameters) + 1:
            return None  # one of the names was not declared
        if any(name not in self._defaults for name in left_out):
            return None
        return (*names, *left_out), tuple(self._defaults[name] for name in left_out), False


# Shared by all signals that take any keyword.
ANY = Keywords()
