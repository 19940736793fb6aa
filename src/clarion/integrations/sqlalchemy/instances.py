"""pre_init and post_init: on the classes that somebody listens to, and on no other."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import ClassManager, Mapper, base

from clarion.integrations.sqlalchemy.send import deliver

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import InstanceState

# Since SQLAlchemy 2.1 a dataclass stands so for a field that was left out.
_LEFT_OUT: Any = getattr(base, "DONT_SET", object())

# The classes listened to on their own, each with whether its subclasses are too.
_watched: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
_wrapped: WeakSet[ClassManager[Any]] = WeakSet()
_everyone: list[bool] = []

# Of the state itself, as in many.py: whether its instance was told of.
_KEY = "_clarion_told"


def watch(sender: Any, *, subclasses: bool) -> None:
    """Hear of new instances of a class; of any class, if there is no sender."""
    if _everyone:
        return
    if sender is None:
        _listen(Mapper, None)
        _everyone.append(True)
    elif sender not in _watched or (subclasses and not _watched[sender]):
        again = sender in _watched
        _watched[sender] = subclasses
        _listen(sender, sender, propagate=subclasses, again=again)


def _listen(target: Any, owner: Any, *, propagate: bool = False, again: bool = False) -> None:
    """Listen to a class, on behalf of it and, perhaps, of its subclasses."""

    def is_mine(kind: type) -> bool:
        if owner is None:
            return True
        if again and kind is owner:
            return False  # the first listener hears it
        return not _everyone and _owner_of(kind) is owner

    # SQLAlchemy gives a class that is mapped later the listeners of each of its bases, and so
    # the same one several times.
    def is_new(instance: Any) -> bool:
        if owner is None:
            return True
        state: InstanceState[Any] = inspect(instance)
        noted = vars(state)
        is_told: bool = noted.get(_KEY, False)
        noted[_KEY] = True
        return not is_told

    def init(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if is_mine(instance.__class__) and is_new(instance):
            initialised(instance, args, kwargs)

    def load(instance: Any, context: object) -> None:  # noqa: ARG001
        if is_mine(instance.__class__) and is_new(instance):
            loaded(instance)

    event.listen(target, "init", init, propagate=propagate)
    event.listen(target, "load", load, propagate=propagate)


def _owner_of(kind: type) -> type | None:
    """Return the class on whose behalf a class is listened to: itself, or a base class."""
    if kind in _watched:
        return kind
    return next((each for each in kind.__mro__ if _watched.get(each)), None)


def initialised(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Send pre_init, and see to it that post_init follows."""
    from clarion.integrations.sqlalchemy.signals import pre_init

    sender: type[Any] = instance.__class__
    if pre_init.has_listeners(sender):
        given = {name: value for name, value in kwargs.items() if value is not _LEFT_OUT}
        before = dict(given)
        deliver(pre_init, sender, args=args, kwargs=given)
        for name in before.keys() - given.keys():
            del kwargs[name]
        kwargs.update(given)
    manager = inspect(instance).manager
    if manager not in _wrapped:
        _wrapped.add(manager)
        manager.original_init = _followed(manager.original_init)


def _followed(original: Callable[..., None]) -> Callable[..., None]:
    from clarion.integrations.sqlalchemy.signals import post_init

    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        sender: type[Any] = self.__class__
        if post_init.has_listeners(sender):
            deliver(post_init, sender, instance=self)

    return init


def loaded(instance: Any) -> None:
    """Send both for an instance that was made from a row."""
    from clarion.integrations.sqlalchemy.signals import post_init, pre_init

    sender: type[Any] = instance.__class__
    if pre_init.has_listeners(sender):
        deliver(pre_init, sender, args=(), kwargs={})
    if post_init.has_listeners(sender):
        deliver(post_init, sender, instance=instance)
