"""What receivers are called with, for each way in which a send is written.

Two sends that give the same keywords in the same order call their receivers with the
same names. So what follows from the names alone (is a keyword unknown, missing, taken;
which default fills in) is worked out once, and looked up from then on. Only the compiled
send does so: in Python each send makes a dictionary of its arguments anyway.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    Names = tuple[str, ...]
    # The names that receivers are called with, in the order of their values: what the send
    # gives, what fills in (the second item), and the signal, if it is told (the third).
    Call = tuple[Names, tuple[Any, ...], bool]

    _Calls = dict[Names, Call]
else:
    _Calls = dict

# A program writes few sends, unless it makes its keywords up as it runs.
MOST = 1024


class Keywords(_Calls):
    """How receivers are called, by the names that a send is given.

    The names include `sender` if that is given by name; otherwise it comes first, by
    position. A send that must be refused has no entry: the one in Python says why.
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
    """Those of a declared signal, which takes no others and tells no signal unasked.

    Args:
        parameters: what it takes beside the sender.
        defaults: the values of those that a send may leave out.
    """

    def __init__(self, parameters: Collection[str], defaults: Mapping[str, Any]) -> None:
        super().__init__()
        self._parameters = parameters
        self._defaults = defaults

    def _call(self, names: Names) -> Call | None:
        left_out = tuple(name for name in self._parameters if name not in names)
        if len(names) + len(left_out) > len(self._parameters) + 1:
            return None  # it gives one that was not declared
        if any(name not in self._defaults for name in left_out):
            return None
        return (*names, *left_out), tuple(self._defaults[name] for name in left_out), False


# Every signal that was not declared takes the same.
ANY = Keywords()
