"""Senders of those Django signals that no model sends."""

from typing import Any

import pytest
from django.conf import LazySettings, Settings, UserSettingsHolder, settings
from django.contrib.auth.models import AbstractUser, AnonymousUser, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import (
    got_request_exception,
    request_finished,
    request_started,
    setting_changed,
)
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.template import Template
from django.test.client import ClientHandler
from django.test.signals import template_rendered
from django.utils.autoreload import StatReloader, autoreload_started, file_changed
from django.views import View

from clarion.integrations.django.dispatch.class_senders import fault_of_class, senders_of
from clarion.integrations.django.dispatch.senders import fault_of

REQUESTS = [request_started, request_finished]
USERS = [user_logged_in, user_logged_out]


class Index(View):
    """A view, which has a base of Django."""


class Mine:
    """A class of the program, which may send any signal."""


def fault(signal, sender, *, subclasses=False):
    """Return the fault of a sender as text; empty if it has none."""
    senders: Any = senders_of(signal)
    found = fault_of_class(signal, sender, senders, subclasses=subclasses)
    return "" if found is None else str(found)


@pytest.mark.parametrize(
    ("signals", "sender"),
    [
        (REQUESTS, WSGIHandler),
        (REQUESTS, ASGIHandler),
        (REQUESTS, ClientHandler),
        ([setting_changed], Settings),
        ([setting_changed], UserSettingsHolder),
        ([connection_created], type(connection.copy())),
        (USERS, User),
        ([user_logged_out], type(None)),
        ([user_login_failed], "django.contrib.auth"),
        ([user_login_failed], "shop.views"),
        ([template_rendered], object.__new__(Template)),
        ([autoreload_started, file_changed], StatReloader()),
        ([*REQUESTS, got_request_exception, setting_changed, *USERS, connection_created], Mine),
    ],
)
def test_a_class_that_sends_it(signals, sender):
    """The classes that Django sends a signal with have no fault, nor has a class of the program."""
    assert [fault(each, sender) for each in signals] == [""] * len(signals)


@pytest.mark.parametrize(
    ("signals", "senders", "cure"),
    [
        (
            REQUESTS,
            [HttpRequest, HttpResponse, Index, User],
            "or give the class of the handler: django",
        ),
        (
            [got_request_exception],
            [HttpRequest, WSGIHandler, Index],
            "Django sends it without a sender.",
        ),
        ([setting_changed], [LazySettings, User], "Compare the keyword setting."),
        ([connection_created], [User, Index], "Compare connection.alias or connection.vendor."),
        (USERS, [HttpRequest, AnonymousUser, Index], "or give get_user_model()."),
        ([user_logged_in], [type(None)], "or give get_user_model()."),
        (
            [user_login_failed],
            [User, HttpRequest],
            "with the text 'django.contrib.auth'. Leave the",
        ),
        ([template_rendered], [Template], "The template itself sends it."),
        ([autoreload_started, file_changed], [StatReloader], "The reloader itself sends it."),
    ],
)
def test_a_class_that_does_not_send_it(signals, senders, cure):
    """Another class of Django, or one that has it as a base, never sends it."""
    found = [fault(signal, sender) for signal in signals for sender in senders]
    assert all("which does not send it. " in each and cure in each for each in found)


@pytest.mark.parametrize(
    ("signals", "base"), [(REQUESTS, BaseHandler), ([connection_created], BaseDatabaseWrapper)]
)
def test_a_base_of_those_that_send_it(signals, base):
    """A base needs subclasses=True."""
    for each in signals:
        assert "which is only a base. Connect it with subclasses=True" in fault(each, base)
        assert fault(each, base, subclasses=True) == ""


@pytest.mark.parametrize("signal", [*REQUESTS, setting_changed, *USERS, connection_created])
@pytest.mark.parametrize("text", ["auth.User", "DEBUG"])
def test_text(signal, text):
    """Django looks up no text for these signals."""
    assert f"'{text}', which is text and no class. Leave" in fault(signal, text)


def test_failed_logins_with_the_text_of_a_model():
    """A package sends failed logins by the name of its module, and nothing by that of a model."""
    assert "'auth.User', which is text" in fault(user_login_failed, "auth.User")


@pytest.mark.parametrize(
    ("signal", "sender"),
    [(request_finished, test_text), (setting_changed, settings), (connection_created, connection)],
)
def test_an_object(signal, sender):
    """A function, the settings and a connection are no classes."""
    assert "which is no class. Leave" in fault(signal, sender)


def test_other_signals_have_senders_of_their_own():
    """Those of models, and those of the program, are judged elsewhere."""
    assert senders_of(post_save) is senders_of(Signal()) is None


def test_tasks():
    """The signals of Django's tasks are sent by the class of the backend."""
    signals = pytest.importorskip("django.tasks.signals")
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.backends.dummy import DummyBackend

    assert fault(signals.task_enqueued, DummyBackend) == ""
    assert "which is only a base." in fault(signals.task_started, BaseTaskBackend)
    assert "Leave the sender out, or give the class of the backend." in fault(
        signals.task_finished, User
    )


@pytest.mark.parametrize("signal", USERS)
def test_users_are_models_with_rows(signal):
    """An abstract model of users needs subclasses=True, as for the signals of models."""
    assert "which is abstract. Connect" in str(fault_of(signal, AbstractUser, subclasses=False))
    assert fault_of(signal, AbstractUser, subclasses=True) is None
    assert fault_of(signal, User, subclasses=False) is None
