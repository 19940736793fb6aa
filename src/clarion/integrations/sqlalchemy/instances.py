"""pre_init and post_init, on the classes that have receivers and on no other."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import inspect
from sqlalchemy.orm import ClassManager, Mapper, base

from clarion.integrations.sqlalchemy.send import deliver
from clarion.integrations.sqlalchemy.signals import post_init, pre_init

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import InstanceState


# SQLAlchemy 2.1 passes this for a field of a dataclass that the program leaves out.
_LEFT_OUT: Any = getattr(base, "DONT_SET", object())

# The classes with listeners of their own, each with whether these serve its subclasses too.
_classes: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
_wrapped: WeakSet[ClassManager[Any]] = WeakSet()
_every_class: list[bool] = []

# An attribute of the state itself: its `info` would be pickled with the instance.
_KEY = "_clarion_init_sent"


class Listeners(NamedTuple):
    """Listeners to attach to the events "init" and "load" of a class, or of every mapper."""

    target: Any
    init: Callable[[Any, tuple[Any, ...], dict[str, Any]], None]
    load: Callable[[Any, object], None]
    propagate: bool


def new_listeners(sender: Any, *, subclasses: bool) -> Listeners | None:
    """Return the listeners that a sender still needs, or None.

    Args:
        sender: the class; None for every class.
        subclasses: whether to send for its subclasses too.
    """
    if _every_class:
        return None
    if sender is None:
        return Listeners(Mapper, _init_any, _load_any, propagate=False)
    is_known = sender in _classes
    if is_known and (_classes[sender] or not subclasses):
        return None
    _classes[sender] = subclasses
    return _listeners_of(sender, subclasses=subclasses, is_known=is_known)


def note_every_class() -> None:
    """Note that the listeners of every class are attached, and replace all others."""
    _every_class.append(True)


def _listeners_of(owner: type, *, subclasses: bool, is_known: bool) -> Listeners:
    def is_served(instance: Any) -> bool:
        class_ = instance.__class__
        if is_known and class_ is owner:
            return False  # its first listeners serve it
        return not _every_class and _owner_of(class_) is owner and _is_first_call(instance)

    def init(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if is_served(instance):
            _init_any(instance, args, kwargs)

    def load(instance: Any, context: object) -> None:
        if is_served(instance):
            _load_any(instance, context)

    return Listeners(owner, init, load, subclasses)


def _is_first_call(instance: Any) -> bool:
    """Return whether no listener has been called for an instance, and note the call.

    SQLAlchemy gives a class that is mapped later the listeners of each of its bases, so it
    calls the same one several times.
    """
    state: InstanceState[Any] = inspect(instance)
    attributes = vars(state)
    is_first = _KEY not in attributes
    attributes[_KEY] = True
    return is_first


def _owner_of(class_: type) -> type | None:
    """Return the class whose listeners serve a class: itself, or a base class."""
    if class_ in _classes:
        return class_
    return next((each for each in class_.__mro__ if _classes.get(each)), None)


def _init_any(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Send pre_init, and wrap `__init__` so that post_init follows."""
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
        manager.original_init = _with_post_init(manager.original_init)


def _with_post_init(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        sender: type[Any] = self.__class__
        if post_init.has_listeners(sender):
            deliver(post_init, sender, instance=self)

    return init


def _load_any(instance: Any, context: object) -> None:  # noqa: ARG001
    """Send both signals for an instance that was made from a row."""
    sender: type[Any] = instance.__class__
    if pre_init.has_listeners(sender):
        deliver(pre_init, sender, args=(), kwargs={})
    if post_init.has_listeners(sender):
        deliver(post_init, sender, instance=instance)
