"""Warn of senders that no send of a Django signal has.

Django accepts such senders, so Clarion does not refuse them. The text "app.Model" may name a model
that is defined later. So it is checked only when Django has loaded all apps. Django's own system
check checks it, too.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import AppConfig
from django.apps import apps as installed
from django.db.models import Model, signals
from django.db.models.options import Options

from clarion._core.callers import warn_caller
from clarion._core.names import described, dotted, quoted_name, value_name
from clarion._core.value_senders import warn_of_value
from clarion.errors import SenderWarning
from clarion.integrations.django.dispatch.class_senders import Fault, fault_of_class, senders_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# The keys are ids of signals that Django sends only with a model, or only with an app, as sender.
_BY_MODELS = {
    id(signal)
    for signal in (
        signals.class_prepared,
        signals.pre_init,
        signals.post_init,
        signals.pre_save,
        signals.post_save,
        signals.pre_delete,
        signals.post_delete,
        signals.m2m_changed,
    )
}
_BY_APPS = {id(signals.pre_migrate), id(signals.post_migrate)}

# Django sends them for no model that it has made itself, such as the table of a relationship.
_OF_SAVES = {
    id(signal)
    for signal in (
        signals.pre_save,
        signals.post_save,
        signals.pre_delete,
        signals.post_delete,
    )
}


def add_model_signal(signal: object) -> None:
    """Judge the senders of one more signal; only models send it, and it is never deleted."""
    _BY_MODELS.add(id(signal))


def is_judged(signal: object) -> bool:
    """Return whether the senders of a signal are judged."""
    return id(signal) in _BY_MODELS or id(signal) in _BY_APPS or senders_of(signal) is not None


def warn_of_sender(signal: object, receiver: Any, sender: object, *, subclasses: bool) -> None:
    """Warn of a sender that no send has, or whose equal objects do not match."""
    if not is_judged(signal):
        warn_of_value(sender)
        return
    fault = fault_of(signal, sender, subclasses=subclasses)
    if fault is not None:
        warn_caller(f"Receiver {described(receiver)} {fault}", SenderWarning)


def warn_of_text(receiver: Any, text: str, apps: Any = None) -> None:
    """Warn if a receiver is connected to "app.Model", and no app has this model.

    Args:
        receiver: the receiver.
        text: the sender.
        apps: the registry in which it is looked up, as given to `connect`.
    """
    # Tests and migrations may use their own registry, and add models to it later.
    if (apps or Options.default_apps) is not installed or not installed.ready:
        return
    if (fault := fault_of_text(text)) is not None:
        warn_caller(f"Receiver {described(receiver)} {fault}", SenderWarning)


def fault_of_text(text: str) -> Fault | None:
    """Return the fault of "app.Model" if no app has it; None if one has, or if Django refuses the text."""
    label, _, name = text.lower().partition(".")
    if name in installed.all_models.get(label, {}) or text.count(".") != 1:
        return None
    models = installed.get_models(include_auto_created=True, include_swapped=True)
    # A swapped model is never saved, so the one in its place is proposed.
    by_lower = {
        model._meta.label_lower: model._meta.swapped or model._meta.label for model in models
    }
    close = get_close_matches(text.lower(), by_lower, n=1)
    cure = (
        f"Did you mean '{by_lower[close[0]]}'?" if close else "Give an app's label and its model."
    )
    return Fault(f"the sender {quoted_name(text)}, and no app has such a model", cure)


def fault_of(signal: object, sender: object, *, subclasses: bool) -> Fault | None:
    """Return why no send of a signal has this sender; None if a send may have it."""
    if sender is None:
        return None
    if id(signal) in _BY_APPS:
        return _fault_of_app(sender)
    if (known := senders_of(signal)) is not None:
        fault = fault_of_class(signal, sender, known, subclasses=subclasses)
        return fault or _fault_of_user(signal, sender, subclasses=subclasses)
    if signal is signals.class_prepared and not subclasses:
        return _fault_of_prepared(sender)
    return _fault_of_sender(signal, sender, subclasses) if id(signal) in _BY_MODELS else None


def _fault_of_sender(signal: object, sender: object, subclasses: bool) -> Fault | None:  # noqa: FBT001
    """Return the fault of a sender of a model signal."""
    # By type(), because a lazy object has the class of its object, and is a sender of its own.
    if not issubclass(type(sender), type):
        cure = _THROUGH if signal is signals.m2m_changed else "Give a model."
        return Fault(f"{value_name(sender)}, which is no class", cure)
    if issubclass(sender, Model):  # type: ignore[arg-type]
        return _fault_of_model(signal, sender, subclasses=subclasses)
    return None if subclasses else _fault_of_class(sender)  # type: ignore[arg-type]


_THROUGH = "Give the table of a relationship, such as Book.authors.through."
_SUBCLASSES = "Connect it with subclasses=True, or to one model."


def _fault_of_app(sender: object) -> Fault | None:
    if not isinstance(sender, AppConfig):
        return Fault(f"{value_name(sender)}, which is no app", "Give apps.get_app_config(label).")
    # It is known once the models are loaded, and then ready() is called.
    if not installed.models_ready or sender.models_module is not None:
        return None
    return Fault(
        f"the app {quoted_name(sender.label)}, which has no module of models, so Django sends nothing for it",
        "Add an empty models.py to it, or give an app that has one.",
    )


def _fault_of_user(signal: object, sender: Any, *, subclasses: bool) -> Fault | None:
    """Return the fault of a model that no user has, for the signals of logins."""
    is_model = issubclass(type(sender), type) and issubclass(sender, Model)
    return _fault_of_model(signal, sender, subclasses=subclasses) if is_model else None


def _fault_of_prepared(sender: Any) -> Fault | None:
    """Return the fault of a sender of class_prepared, whose subclasses do not count."""
    if not issubclass(type(sender), type):
        return Fault(f"{value_name(sender)}, which is no class", _PREPARED)
    if not issubclass(sender, Model):
        return _fault_of_class(sender)
    return (
        Fault(f"{dotted(sender)}, which is prepared already", _PREPARED)
        if is_prepared(sender)
        else None
    )


def is_prepared(model: Any) -> bool:
    """Return whether a model is prepared, or is a base that never is, so that no later send has it."""
    meta = getattr(model, "_meta", None)  # the class `Model` itself has no `_meta`
    if meta is None or meta.abstract:
        return True
    # A model that is being prepared is not registered yet. Its fields may connect a receiver of it.
    return meta.apps.all_models[meta.app_label].get(meta.model_name) is model


_PREPARED = (
    "Leave the sender out, compare it in the receiver, and connect before the models are loaded: in the "
    "module of the AppConfig, and not in ready()."
)


def _fault_of_class(sender: type) -> Fault | None:
    if installed.models_ready and any(issubclass(each, sender) for each in installed.get_models()):
        return Fault(f"{dotted(sender)}, which is no model, but a base of models", _SUBCLASSES)
    return None


def _fault_of_model(signal: object, model: Any, *, subclasses: bool) -> Fault | None:
    meta = getattr(model, "_meta", None)  # the class `Model` itself has no `_meta`
    if meta is None or meta.abstract:
        return None if subclasses else Fault(f"{dotted(model)}, which is abstract", _SUBCLASSES)
    if meta.swapped and not subclasses:
        setting = f"settings.{meta.swappable}"
        return Fault(f"{meta.label}, which {setting} replaces by another model", f"Give {setting}.")
    if meta.auto_created and id(signal) in _OF_SAVES:
        return Fault(
            f"{meta.label}, which is the table of a relationship, whose rows are not sent",
            "Connect it to m2m_changed.",
        )
    return _fault_of_through(model) if signal is signals.m2m_changed else None


def _fault_of_through(model: Any) -> Fault | None:
    # The table of a relationship may have relationships itself.
    if not installed.models_ready or any(each.through is model for each in _relationships()):
        return None
    through = [
        f"{each.model.__name__}.{each.field.name}.through"
        for each in _relationships()
        if model in {each.model, each.related}
    ]
    if not through:
        return None
    return Fault(
        f"{model._meta.label}, which is no table of a relationship",
        f"Give {' or '.join(dict.fromkeys(through))}.",
    )


class _Relationship(NamedTuple):
    model: Any
    field: Any
    related: Any
    through: Any


def _relationships() -> Iterator[_Relationship]:
    for model in installed.get_models(include_auto_created=True):
        for field in model._meta.local_many_to_many:
            yield _Relationship(model, field, field.related_model, field.remote_field.through)
