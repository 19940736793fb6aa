"""Warn of blocks that are created, and that no `with` enters."""

from __future__ import annotations

import sys

from clarion._core.callers import warn_caller


class Enterable:
    """The base of a block that has no effect until `with` enters it, or it decorates a function.

    Attributes:
        unentered: how the program creates it, for the warning; None once it is used. The
            constructor sets it last, when it has accepted its arguments.
    """

    __slots__ = ()

    unentered: str | None = None

    def __del__(self) -> None:
        # The default is for a constructor that has raised. At exit, modules may be gone.
        created = getattr(self, "unentered", None)
        if created is not None and not sys.is_finalizing():
            warn_caller(
                f"{created} was created and never entered, so it had no effect. Write `with {created}:`.",
                RuntimeWarning,
            )
