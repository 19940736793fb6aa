"""The system check of receivers that are never called."""

import pytest
from django.core.checks import run_checks
from django.db.models.signals import post_save

from clarion.errors import SenderWarning
from clarion.integrations.django.checks import check_senders
from tests.integrations.django.library.models import Author, Dated
from tests.integrations.django.programs import run


def nothing(**kwargs):
    """Do nothing."""


def test_it_names_receiver_signal_and_cure():
    """The warning of `manage.py check` names the receiver, the signal and the cure."""
    assert check_senders() == []
    with pytest.warns(SenderWarning):
        post_save.connect(nothing, sender=Dated)
    post_save.connect(nothing, sender=Author)
    try:
        [found] = check_senders()
        assert found in run_checks(tags=["signals"])
    finally:
        post_save.disconnect(nothing, sender=Dated)
        post_save.disconnect(nothing, sender=Author)
    assert found.id == "clarion.W001"
    assert f"Receiver {__name__}.nothing of signal" in found.msg
    assert "of signal django.db.models.signals.post_save is connected to" in found.msg
    assert found.obj.endswith(f"test_checks.py:{nothing.__code__.co_firstlineno}")
    assert found.hint == "Connect it with subclasses=True, or to one model."


def test_a_sender_from_before_the_installation_is_not_judged():
    """A sender of which Django 5.2 has kept only the id causes no warning."""
    lines = run(
        """
        django.setup()
        from django.apps import apps
        from django.db.models.signals import pre_migrate
        def prepare(**kwargs): ...
        pre_migrate.connect(prepare, sender=apps.get_app_config("auth"))
        import gc
        gc.freeze()  # else Clarion finds the object by its id
        from clarion.integrations.django import install
        install()
        from clarion.integrations.django.checks import check_senders
        print(check_senders())
        """
    )
    assert lines == ["[]"]


def test_an_engine_that_loses_stored_calls_is_an_error():
    """It is no traceback of `django.setup()`; after that, `connect` refuses it."""
    lines = run(
        """
        from types import ModuleType
        import sys
        from django.apps import AppConfig
        from clarion import Signal, durable
        from clarion.background import Engine, EngineDelivery
        from clarion.errors import ArgumentError

        class Threads(Engine):
            name = "the pool"
            def losses(self):
                return ["The pool forgets calls. Use another one."]

        paid = Signal()
        via = durable(via=EngineDelivery(Threads()))
        def book(**kwargs): ...
        def mail(**kwargs): ...

        class Shop(AppConfig):
            name, path = "shop", "."
            def ready(self):
                paid.connect(book, delivery=via(via=via.options.via, name="book"))

        shop = sys.modules["shop"] = ModuleType("shop")
        shop.Shop = Shop
        django.setup()
        from django.core.checks import run_checks
        for each in run_checks(tags=["signals"]):
            print(each.id, each.is_serious(), each.msg, each.hint)
        try:
            paid.connect(mail, delivery=via(via=via.options.via, name="mail"))
        except ArgumentError as error:
            print(error.names)
        """,
        after_settings='settings.INSTALLED_APPS += ["clarion", "shop.Shop"]\n',
    )
    assert lines == [
        "clarion.E001 True durable(via=...) hands nothing over: The pool forgets calls. Use another one.",
        "('via',)",
    ]
