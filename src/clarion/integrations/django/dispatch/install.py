"""Run Django's signals on Clarion, and restore Django's own dispatcher.

Django's classes and signals stay the same objects, because other code has imported them. Their
methods are replaced, and each signal keeps its receivers in a table.
"""

from __future__ import annotations

import gc
import sys
from contextlib import ExitStack
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.db.models.signals import ModelSignal
from django.dispatch import Signal, dispatcher

from clarion._core import registry
from clarion._core.fork import new_lock
from clarion._core.tabled import remove_table, table_of
from clarion.integrations.django.dispatch import table as tables
from clarion.integrations.django.dispatch.entries import Entry, UnknownSender
from clarion.integrations.django.dispatch.methods import METHODS, connect_model_signal
from clarion.integrations.django.dispatch.receivers import receivers, set_receivers
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

# The type is Any, because type checkers do not allow new attributes.
_DjangoSignal: Any = Signal

_lock = new_lock()
_undo: list[Callable[[], None]] = []
_hooks: list[tuple[Callable[[], None], Callable[[], None]]] = []


def add_install_hooks(on_install: Callable[[], None], on_uninstall: Callable[[], None]) -> None:
    """Add a function to call after each `install`, and one before each `uninstall`."""
    _hooks.append((on_install, on_uninstall))


def is_installed() -> bool:
    """Return whether Django's signals dispatch through Clarion now."""
    return bool(_undo)


def install() -> None:
    """Make every Django signal, existing or future, dispatch through Clarion.

    Receivers stay connected, in their order. A second call changes nothing.
    """
    _replace_dispatcher()
    for on_install, _ in _hooks:
        on_install()


def _replace_dispatcher() -> None:
    with _lock, ExitStack() as stack:
        if is_installed():
            return
        signals = _django_signals()
        methods = {
            name: copy_function(method, dispatcher.__name__) for name, method in METHODS.items()
        }
        tables.installed_live_receivers = methods["_live_receivers"]
        # Sends continue. A connect in another thread waits for the lock and then uses the table.
        for signal in signals:
            stack.enter_context(signal.lock)
        for signal in signals:
            tables.attach_table(signal)
            set_receivers(signal, signal.__dict__["receivers"])
        _undo.extend(_install_method(name, method) for name, method in methods.items())
        _undo.append(_install_model_connect(copy_function(connect_model_signal)))  # type: ignore[arg-type]
        _DjangoSignal.receivers = receivers
        for signal in signals:
            del signal.__dict__["receivers"]


def uninstall() -> None:
    """Restore Django's own dispatcher, with its receivers.

    Receivers of a `connected` block are left out. The options that only Clarion has, such as
    `priority`, `once` and `subclasses`, are lost.
    """
    for _, on_uninstall in _hooks:
        on_uninstall()
    with _lock:
        if not is_installed():
            return
        signals = [signal for signal in registry.signals() if isinstance(signal, Signal)]
        connected = {id(signal): table_of(signal).registrations() for signal in signals}
        while _undo:
            _undo.pop()()
        del _DjangoSignal.receivers
        for signal in signals:
            _restore_signal(signal, connected[id(signal)])


def _django_signals() -> list[Any]:
    # The garbage collector lists all signals except frozen ones, which are found in modules.
    in_modules = (value for module in list(sys.modules.values()) for value in _contents(module))
    # By type(), because isinstance() would evaluate lazy objects.
    everything = chain(gc.get_objects(), in_modules)
    signals = (each for each in everything if issubclass(type(each), Signal))
    return list({id(signal): signal for signal in signals}.values())


def _contents(module: object) -> list[object]:
    return list(vars(module).values()) if type(module) is ModuleType else []


def _install_method(name: str, ours: FunctionType) -> Callable[[], None]:
    """Replace a method of Django's, below its wrappers; return a function that restores it."""
    if name not in vars(Signal):  # Django has no such method
        setattr(Signal, name, ours)
        return lambda: delattr(Signal, name)
    current = vars(Signal)[name]
    qualname = f"Signal.{name}"
    if is_original(current, dispatcher, qualname):
        setattr(Signal, name, ours)
        return lambda: _restore_method(Signal, name, ours, current)
    original = find_original(current, dispatcher, qualname)
    return redirect(original, ours)


def _install_model_connect(ours: FunctionType) -> Callable[[], None]:
    current = vars(ModelSignal)["connect"]
    if current.__code__.co_qualname != "ModelSignal.connect":
        # The method is wrapped. The wrapper takes only Django's arguments, and calls
        # Signal.connect, which is ours.
        return lambda: None
    ModelSignal.connect = ours
    return lambda: _restore_method(ModelSignal, "connect", ours, current)


def _restore_method(owner: type, name: str, ours: Any, original: FunctionType) -> None:
    """Restore the original; if our method is wrapped, below the wrapper."""
    if vars(owner)[name] is ours:
        setattr(owner, name, original)
    else:
        redirect(ours, original)


def _restore_signal(signal: Any, registrations: list[Registration]) -> None:
    remove_table(signal)
    registry.remove(signal)
    signal.receivers = []
    signal.sender_receivers_cache.clear()
    for registration in registrations:
        receiver = registration.live()
        if receiver is None or registration.scope is not None:
            continue
        if isinstance(registration.sender, UnknownSender):
            signal.receivers.append(tuple(Entry.of(registration)))
        else:
            Signal.connect(
                signal, receiver, registration.sender, registration.weak, registration.uid
            )
