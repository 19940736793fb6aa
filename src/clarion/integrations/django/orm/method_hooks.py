"""Replace methods of a class while they are needed, and restore them.

Unlike a signal's methods, those of a queryset call one another, and subclasses override them. So
they are not redirected: each replacement calls the method that it found, Django's own or a wrapper of it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # Called with the method that it replaces, and then with that method's arguments.
    Replacement = Callable[..., Any]


class MethodHooks:
    """Methods of one class that are replaced while attached.

    Args:
        owner: the class.
        replacements: the replacements by the name of the method.
    """

    def __init__(self, owner: type, replacements: Mapping[str, Replacement]) -> None:
        self._owner = owner
        self._replacements = dict(replacements)
        self._lock = new_lock()
        # By name: our method, and the one that it replaces.
        self._placed: dict[str, tuple[Any, Any]] = {}
        self.is_attached = False

    def attach(self) -> None:
        """Replace the methods. Calling it again changes nothing."""
        if self.is_attached:
            return
        with self._lock:
            for name, replacement in self._replacements.items():
                self._place(name, replacement)
            self.is_attached = True

    def detach(self) -> None:
        """Restore the methods."""
        with self._lock:
            self.is_attached = False
            for name, (ours, original) in list(self._placed.items()):
                # A method of ours that another package has wrapped stays below the wrapper,
                # and only calls the original from now on.
                if vars(self._owner).get(name) is ours:
                    setattr(self._owner, name, original)
                    del self._placed[name]

    def _place(self, name: str, replacement: Replacement) -> None:
        current = vars(self._owner)[name]
        ours, original = self._placed.get(name, (None, None))
        # A method of ours that stayed below a wrapper is still called, unless the wrapper
        # was removed and the original restored.
        if ours is None or current is original:
            ours = self._method(current, replacement)
            self._placed[name] = ours, current
            setattr(self._owner, name, ours)

    def _method(self, original: Any, replacement: Replacement) -> Any:
        # wraps() copies Django's marks on the method: alters_data and queryset_only.
        @wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:
            if self.is_attached:
                return replacement(original, *args, **kwargs)
            return original(*args, **kwargs)

        return method
