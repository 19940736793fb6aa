"""Take Django's signals over, and give them back.

Django's classes stay the ones that everybody has imported, and so do the signals. What
changes is what their methods do, and that each signal keeps its receivers in a table.
"""

from __future__ import annotations

import gc
import sys
from contextlib import ExitStack
from itertools import chain
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.db.models.signals import ModelSignal
from django.dispatch import Signal, dispatcher

from clarion._core import registry
from clarion._core.compiled import compiled
from clarion._core.tabled import remove_table, table_of
from clarion.integrations.django.dispatch import table as tables
from clarion.integrations.django.dispatch.methods import METHODS, connect_model_signal
from clarion.integrations.django.dispatch.receivers import (
    Entry,
    UnknownSender,
    assign,
    attach_table,
    receivers,
)
from clarion.integrations.django.dispatch.redirect import (
    copy_function,
    find_original,
    is_original,
    redirect,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType

    from clarion._core.registration import Registration

# Of which no type checker knows that it may be changed.
_DjangoSignal: Any = Signal

_lock = Lock()
_undo: list[Callable[[], None]] = []
_companions: list[tuple[Callable[[], None], Callable[[], None]]] = []


def accompany(put: Callable[[], None], give_back: Callable[[], None]) -> None:
    """Have something else of Django's changed by `install`, and given back by `uninstall`."""
    _companions.append((put, give_back))


def is_installed() -> bool:
    """Tell whether Django's signals dispatch through Clarion now."""
    return bool(_undo)


def install() -> None:
    """Make every Django signal, there or yet to be made, dispatch through Clarion.

    Receivers that are connected stay connected, in their order. Calling it again
    changes nothing.
    """
    for put, _ in _companions:
        put()
    with _lock, ExitStack() as stack:
        if is_installed():
            return
        signals = _django_signals()
        ours = {name: _twin(method) for name, method in METHODS.items()}
        tables.installed_live_receivers = ours["_live_receivers"]
        # Sends go on; who connects meanwhile waits, and then does so to the table.
        for signal in signals:
            stack.enter_context(signal.lock)
        for signal in signals:
            attach_table(signal)
            assign(signal, signal.__dict__["receivers"])
        _undo.extend(_put(name, method) for name, method in ours.items())
        _undo.append(_put_model_connect(copy_function(connect_model_signal)))  # type: ignore[arg-type]
        _DjangoSignal.receivers = receivers
        for signal in signals:
            del signal.__dict__["receivers"]


def uninstall() -> None:
    """Give Django its own dispatcher back, exactly as it was, with all receivers.

    What only Clarion knows of a receiver (its priority, `once`, `subclasses`) is lost.
    """
    for _, give_back in _companions:
        give_back()
    with _lock:
        if not is_installed():
            return
        signals = [signal for signal in registry.signals() if isinstance(signal, Signal)]
        left = {id(signal): table_of(signal).registrations() for signal in signals}
        while _undo:
            _undo.pop()()
        del _DjangoSignal.receivers
        for signal in signals:
            _give_back(signal, left[id(signal)])


def _django_signals() -> list[Any]:
    # The garbage collector knows of all but those that were frozen; modules hold these.
    in_modules = (value for module in list(sys.modules.values()) for value in _contents(module))
    # By type(), for isinstance() would wake up lazy objects.
    everything = chain(gc.get_objects(), in_modules)
    found = (each for each in everything if issubclass(type(each), Signal))
    return list({id(signal): signal for signal in found}.values())


def _contents(module: object) -> list[object]:
    return list(vars(module).values()) if type(module) is ModuleType else []


def _twin(method: Any) -> Any:
    """Return a copy of a method, compiled if it is."""
    function = getattr(method, "__wrapped__", method)
    copy = copy_function(function, dispatcher.__name__)
    return copy if function is method else compiled(copy)


def _put(name: str, ours: Any) -> Callable[[], None]:
    """Make a method ours, below whoever has wrapped it; return what undoes that."""
    standing = vars(Signal).get(name)
    if standing is None:
        setattr(Signal, name, ours)
        return lambda: delattr(Signal, name)
    qualname = f"Signal.{name}"
    if is_original(standing, dispatcher.__file__, qualname):
        setattr(Signal, name, ours)
        return lambda: _take_out(Signal, name, ours, standing)
    original = find_original(standing, dispatcher.__file__, qualname)
    return redirect(original, ours)


def _put_model_connect(ours: FunctionType) -> Callable[[], None]:
    standing = vars(ModelSignal)["connect"]
    if standing.__code__.co_qualname != "ModelSignal.connect":
        # Whoever has wrapped it takes Django's arguments only, and it calls
        # Signal.connect, which is ours.
        return lambda: None
    ModelSignal.connect = ours
    return lambda: _take_out(ModelSignal, "connect", ours, standing)


def _take_out(owner: type, name: str, ours: Any, original: FunctionType) -> None:
    """Put the original back; below whoever has wrapped ours meanwhile."""
    if vars(owner)[name] is ours:
        setattr(owner, name, original)
    else:
        # What is compiled finds no table any more, and calls the function.
        redirect(getattr(ours, "__wrapped__", ours), original)


def _give_back(signal: Any, registrations: list[Registration]) -> None:
    remove_table(signal)
    registry.leave(signal)
    signal.receivers = []
    signal.sender_receivers_cache.clear()
    for registration in registrations:
        receiver = registration.live()
        if receiver is None:
            continue
        if isinstance(registration.sender, UnknownSender):
            signal.receivers.append(tuple(Entry.of(registration)))
        else:
            Signal.connect(
                signal, receiver, registration.sender, registration.weak, registration.uid
            )
