"""block: make a `with` block, which also decorates functions, from a generator function."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clarion._core.decorated import decorated
from clarion._core.unentered import Enterable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

F = TypeVar("F", bound="Callable[..., Any]")


def block(function: Callable[[], Generator[None]]) -> Callable[[], Block]:
    """Return a function that returns a new block, like `contextlib.contextmanager`.

    If a block of contextlib decorates an async function, it ends before the body of the function runs.
    """
    manager = contextmanager(function)

    @wraps(function)
    def new_block() -> Block:
        return Block(f"{function.__name__}()", manager)

    return new_block


class Block(Enterable):
    """A block of a `with` statement, and a decorator of sync and async functions.

    Args:
        name: its name in messages.
        manager: returns the context manager that does its work.
    """

    def __init__(self, name: str, manager: Callable[[], AbstractContextManager[None]]) -> None:
        self._name = name
        self._manager = manager
        self._entered: list[AbstractContextManager[None]] = []
        self.unentered = name

    def __enter__(self) -> None:
        self.unentered = None
        manager = self._manager()
        manager.__enter__()
        self._entered.append(manager)

    def __exit__(self, *error: Any) -> bool | None:  # noqa: PYI036  # as it is passed on
        return self._entered.pop().__exit__(*error)

    def __call__(self, function: F) -> F:
        """Decorate a function: each call runs inside a block of its own.

        Raises:
            ArgumentError: if it is a class or a generator, whose body runs later.
        """
        self.unentered = None
        return cast("F", decorated(function, self._name, self._manager))
