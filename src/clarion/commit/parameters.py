"""The keywords that a function requires and accepts, read once from its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.signatures import signature_of

if TYPE_CHECKING:
    from clarion.typing import Receiver


class Parameters:
    """The keywords that a call must give to a function. It keeps no reference to the function.

    A wrapper may add arguments for the function that it wraps. So only the wrapper's parameters count.

    Attributes:
        required: the names of the parameters without a default.
        accepted: the names of all parameters; None if the function accepts any keyword.
        needs_position: whether a parameter without a default cannot be given by name.
    """

    __slots__ = ("accepted", "needs_position", "required")

    def __init__(self, function: Receiver | None) -> None:
        self.required: frozenset[str] = frozenset()
        self.accepted: frozenset[str] | None = None
        self.needs_position = False
        signature = None if function is None else signature_of(function, follow_wrapped=False)
        if signature is None:
            return
        by_name, required = set[str](), set[str]()
        takes_any = False
        for each in signature.parameters.values():
            takes_any |= each.kind is each.VAR_KEYWORD
            if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}:
                by_name.add(each.name)
                if each.default is each.empty:
                    required.add(each.name)
            elif each.kind is each.POSITIONAL_ONLY and each.default is each.empty:
                self.needs_position = True
        self.required = frozenset(required)
        if not takes_any:
            self.accepted = frozenset(by_name)
