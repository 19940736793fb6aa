"""The senders of Django's signals that neither models nor apps send: of requests, settings, logins, tests, connections.

Django documents who sends each. A class of the program that has no base of Django is accepted, because the program
may send the signal by it.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from django.apps import apps as installed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.signals import (
    got_request_exception,
    request_finished,
    request_started,
    setting_changed,
)
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string

from clarion._core.names import dotted, quoted_name, value_name


class Fault(NamedTuple):
    """The reason why no send has a certain sender, and what to connect to instead."""

    sender: str
    cure: str

    def __str__(self) -> str:
        return f"is connected to {self.sender}. {self.cure}"


class Senders(NamedTuple):
    """Who sends a signal.

    Attributes:
        cure: what to connect to.
        bases: the classes whose subclasses send it, by their dotted names, so that they are loaded when needed.
        classes: the classes that send it, as their subclasses do.
        is_object: whether an object sends it, and no class.
    """

    cure: str
    bases: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    is_object: bool = False


_ALONE = "Leave the sender out."

_HANDLER = Senders(
    "Leave the sender out, or give the class of the handler: django.core.handlers.wsgi.WSGIHandler or "
    "django.core.handlers.asgi.ASGIHandler.",
    bases=("django.core.handlers.base.BaseHandler",),
)
_USER = "Leave the sender out, or give get_user_model()."
_MODEL = "django.db.models.Model"

_BY_SIGNAL = {
    id(request_started): _HANDLER,
    id(request_finished): _HANDLER,
    id(got_request_exception): Senders(f"Django sends it without a sender. {_ALONE}"),
    id(setting_changed): Senders(
        f"{_ALONE} Compare the keyword setting.",
        classes=("django.conf.Settings", "django.conf.UserSettingsHolder"),
    ),
    id(connection_created): Senders(
        f"{_ALONE} Compare connection.alias or connection.vendor.",
        bases=("django.db.backends.base.base.BaseDatabaseWrapper",),
    ),
    id(user_logged_in): Senders(_USER, bases=(_MODEL,)),
    id(user_logged_out): Senders(_USER, bases=(_MODEL,), classes=("types.NoneType",)),
    id(user_login_failed): Senders(
        f"Django sends it with the text 'django.contrib.auth'. {_ALONE}"
    ),
}

_TEMPLATE = Senders(f"The template itself sends it. {_ALONE}", is_object=True)
_RELOADER = Senders(f"The reloader itself sends it. {_ALONE}", is_object=True)
_BACKEND = Senders(
    "Leave the sender out, or give the class of the backend.",
    bases=("django.tasks.backends.base.BaseTaskBackend",),
)

# Signals in modules that a program need not load.
_BY_NAME = {
    ("django.test.signals", "template_rendered"): _TEMPLATE,
    ("django.utils.autoreload", "autoreload_started"): _RELOADER,
    ("django.utils.autoreload", "file_changed"): _RELOADER,
    ("django.tasks.signals", "task_enqueued"): _BACKEND,
    ("django.tasks.signals", "task_started"): _BACKEND,
    ("django.tasks.signals", "task_finished"): _BACKEND,
}


def senders_of(signal: object) -> Senders | None:
    """Return who sends a signal; None for a signal of models or apps, and for one of the program."""
    if (found := _BY_SIGNAL.get(id(signal))) is not None:
        return found
    named = (
        senders
        for (module, name), senders in _BY_NAME.items()
        if module in sys.modules and vars(sys.modules[module]).get(name) is signal
    )
    return next(named, None)


def fault_of_class(
    signal: object, sender: object, known: Senders, *, subclasses: bool
) -> Fault | None:
    """Return why no send of a signal has this sender; None if one may have it.

    Args:
        signal: the signal.
        sender: the sender, which is not None.
        known: who sends the signal.
        subclasses: whether the subclasses of the sender count, too.
    """
    if isinstance(sender, str):
        if signal is user_login_failed and not _is_model(sender):
            return None  # packages send it by the names of their modules
        return Fault(f"{quoted_name(sender)}, which is text and no class", known.cure)
    # By type(), because a lazy object has the class of its object, and is a sender of its own.
    if not issubclass(type(sender), type):
        is_wrong = not known.is_object
        return Fault(f"{value_name(sender)}, which is no class", known.cure) if is_wrong else None
    kind: Any = sender
    if not _is_of_django(kind) or _is_below(kind, known.classes):
        return None
    if not _is_below(kind, known.bases):
        return Fault(f"{dotted(kind)}, which does not send it", known.cure)
    is_base = kind in map(import_string, known.bases) and not subclasses
    return Fault(f"{dotted(kind)}, which is only a base", _SUBCLASSES) if is_base else None


_SUBCLASSES = "Connect it with subclasses=True, or to one of its subclasses."


def _is_model(text: str) -> bool:
    label, _, name = text.lower().partition(".")
    return name in installed.all_models.get(label, {})


def _is_below(kind: type, names: tuple[str, ...]) -> bool:
    return any(issubclass(kind, import_string(each)) for each in names)


def _is_of_django(kind: type) -> bool:
    """Return whether a class is one of Django or has one as a base, or is that of None."""
    packages = {each.__module__.partition(".")[0] for each in kind.__mro__}
    return kind is type(None) or "django" in packages
