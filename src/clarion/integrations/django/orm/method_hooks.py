"""Stand in for methods of Django's, and step aside again.

Unlike a signal's methods, those of a queryset call one another and are overridden at will;
so what was there is called, not replaced, be it Django's own or somebody's wrapper of it.
"""

from __future__ import annotations

from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # Called with the method that it stands in for, and then with that one's arguments.
    StandIn = Callable[..., Any]


class Hooks:
    """Methods of one class that others stand in for, while attached.

    Args:
        owner: the class.
        stand_ins: by the name of the method, what is called in its place.
    """

    def __init__(self, owner: type, stand_ins: Mapping[str, StandIn]) -> None:
        self._owner = owner
        self._stand_ins = dict(stand_ins)
        self._lock = Lock()
        self._put: dict[str, tuple[Any, Any]] = {}
        self.attached = False

    def attach(self) -> None:
        """Have the others called from now on. Calling it again changes nothing."""
        if self.attached:
            return
        with self._lock:
            for name, stand_in in self._stand_ins.items():
                self._put_in(name, stand_in)
            self.attached = True

    def detach(self) -> None:
        """Have the class as it was."""
        with self._lock:
            self.attached = False
            for name, (ours, original) in list(self._put.items()):
                # If somebody has wrapped ours meanwhile, it stays below them, and from now
                # on does nothing but call the original.
                if vars(self._owner).get(name) is ours:
                    setattr(self._owner, name, original)
                    del self._put[name]

    def _put_in(self, name: str, stand_in: StandIn) -> None:
        standing = vars(self._owner)[name]
        ours, original = self._put.get(name, (None, None))
        # What was left below somebody's wrapper is still called, unless they took that out
        # and put back the method as they had found it.
        if ours is None or standing is original:
            ours = self._wrapper(standing, stand_in)
            self._put[name] = ours, standing
            setattr(self._owner, name, ours)

    def _wrapper(self, original: Any, stand_in: StandIn) -> Any:
        # With Django's marks on it: alters_data and queryset_only.
        @wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:
            if self.attached:
                return stand_in(original, *args, **kwargs)
            return original(*args, **kwargs)

        return method
