"""Senders that Django accepts, and that no send has, give a warning."""

import re
import warnings
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AbstractUser, User
from django.db import models
from django.db.models.signals import (
    ModelSignal,
    class_prepared,
    m2m_changed,
    post_delete,
    post_init,
    post_migrate,
    post_save,
    pre_save,
)
from django.dispatch import Signal, receiver
from django.test.utils import isolate_apps
from django.utils.functional import SimpleLazyObject

import clarion
from clarion.errors import SenderWarning
from clarion.integrations.django import post_bulk_insert, post_bulk_update
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author, Book, Dated, Loan, RareCopy


def nothing(**kwargs):
    """Do nothing."""


@pytest.fixture
def connect():
    """Connect the receiver to a signal; return the warnings."""
    connected = []

    def connect(signal, sender, **options):
        connected.append((signal, sender))
        signal.disconnect(nothing, sender=sender)  # because a second connect would change nothing
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            signal.connect(nothing, sender=sender, **options)
        assert {each.filename for each in caught} <= {__file__}
        return [str(each.message) for each in caught]

    yield connect
    for signal, sender in connected:
        signal.disconnect(nothing, sender=sender)


SAVES = pytest.mark.parametrize(
    "signal", [pre_save, post_save, post_delete, post_init, post_bulk_insert, post_bulk_update]
)


@SAVES
@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("auth.Usr", "Did you mean 'auth.User'?"),
        ("ath.User", "Did you mean 'auth.User'?"),
        ("nowhere.Qqqq", "Give an app's label and its model."),
    ],
)
def test_text_that_names_no_model(connect, signal, text, cure):
    """Text that names no model is warned of once all apps are loaded, with the nearest name as the cure."""
    [message] = connect(signal, text)
    assert f"is connected to the sender '{text}', and no app has such a model." in message
    assert message.endswith(cure)
    assert f"{nothing.__qualname__} ({__file__}:" in message


@SAVES
@pytest.mark.parametrize("text", ["auth.User", "library.author", "library.Book"])
def test_text_that_names_a_model(connect, signal, text):
    """The name of a model is found in capitals, too."""
    assert connect(signal, text) == []


@SAVES
def test_the_automatic_table_of_a_relationship(connect, signal):
    """Django sends no save and no deletion of its rows; it makes instances, and Clarion sends bulk writes."""
    is_sent = signal in {post_init, post_bulk_insert, post_bulk_update}
    for sender in ("library.Book_authors", Book.authors.through):
        found = connect(signal, sender)
        assert len(found) == (not is_sent)
        assert all(each.endswith("are not sent. Connect it to m2m_changed.") for each in found)


def test_text_for_another_registry():
    """Text for a model in another registry of apps causes no warning, and is resolved there."""
    own = ModelSignal()
    with isolate_apps("tests.integrations.django.library") as registry:
        own.connect(nothing, sender="library.Isolated", apps=registry, weak=False)
        own.connect(nothing, sender="library.Isolated", weak=False)

        class Isolated(models.Model):
            """Is defined later."""

            class Meta:
                app_label = "library"

    assert own.has_listeners(Isolated)


@SAVES
@pytest.mark.parametrize("sender", [Dated, AbstractUser])
def test_an_abstract_model(connect, signal, sender):
    """An abstract model is warned of, unless subclasses=True includes the models with rows."""
    [message] = connect(signal, sender)
    assert f"{sender.__qualname__}, which is abstract. Connect it with subclasses=True" in message
    assert connect(signal, sender, subclasses=True) == []


@SAVES
@pytest.mark.parametrize("sender", [Author, Loan, RareCopy, User, None])
def test_models_with_rows(connect, signal, sender):
    """Models, proxies and the absence of a sender cause no warning."""
    assert connect(signal, sender) == []


@SAVES
@pytest.mark.parametrize("sender", [models.Model, object])
def test_bases_of_all_models(connect, signal, sender):
    """A base of all models is warned of as an abstract model is."""
    [message] = connect(signal, sender)
    assert "subclasses=True" in message


def test_a_class_that_no_model_has_as_a_base(connect):
    """A class of the program causes no warning, because a program may send Django's signals by it."""
    assert connect(post_save, int) == []


@pytest.mark.parametrize("sender", [nothing, ("a", "b"), 5])
def test_other_objects(connect, sender):
    """A sender of a model signal that is no class is warned of."""
    found = connect(post_save, sender)
    assert "which is no class. Give a model." in found[0]


def test_m2m_changed_is_sent_by_the_table(connect):
    """A model as the sender of m2m_changed is warned of, because the table of the relation sends it."""
    [message] = connect(m2m_changed, Book)
    assert message.endswith(
        "library.Book, which is no table of a relationship. Give Book.authors.through."
    )
    [message] = connect(m2m_changed, Author)  # the model on the other side
    assert (
        "library.Author, which is no table of a relationship. Give Book.authors.through." in message
    )
    assert connect(m2m_changed, Book.authors.through) == []
    assert connect(m2m_changed, "library.Book_authors") == []


def test_signals_of_migrations_are_sent_by_apps(connect):
    """A name or module as the sender of a migration is warned of, because an AppConfig sends it."""
    from django.apps import apps

    assert "Give apps.get_app_config(label)." in connect(post_migrate, "library")[0]
    assert connect(post_migrate, apps.get_app_config("library")) == []


def test_class_prepared_resolves_no_text(connect):
    """Text as the sender of class_prepared is warned of, because it has no lazy senders."""
    [message] = connect(class_prepared, "auth.User")
    assert "a str, which is no class. Leave the sender out, compare it in the receiver" in message


def test_class_prepared_is_sent_once(connect):
    """A model that exists is prepared, and an abstract one never is; a field connects before."""
    assert "auth.models.User, which is prepared already." in connect(class_prepared, User)[0]
    assert "which is prepared already." in connect(class_prepared, Dated)[0]
    assert "builtins.object, which is no model" in connect(class_prepared, object)[0]
    assert connect(class_prepared, Dated, subclasses=True) == []
    assert connect(class_prepared, int) == []

    class Field(models.IntegerField):
        def contribute_to_class(self, cls, name, **kwargs):
            super().contribute_to_class(cls, name, **kwargs)
            found.extend(connect(class_prepared, cls))

    found: list[Any] = []
    with isolate_apps("tests.integrations.django.library"):

        class Counted(models.Model):
            number = Field()

            class Meta:
                app_label = "library"

    assert found == []


def test_an_app_without_models_sends_no_migration(connect):
    """Django sends the signals of migrations only for apps with a module of models."""
    from django.apps import AppConfig

    app = AppConfig("shop", programs)
    [message] = connect(post_migrate, app)
    assert "the app 'shop', which has no module of models" in message
    assert message.endswith("Add an empty models.py to it, or give an app that has one.")


def test_a_lazy_object_of_a_model(connect):
    """A lazy object has the class of a model, and no send has it."""
    lazy = SimpleLazyObject(lambda: User)
    assert str(lazy) == str(User)
    (warning,) = connect(post_save, lazy)
    assert "SimpleLazyObject, which is no class. Give a model." in warning


@pytest.mark.parametrize("sender", [Dated, "auth.Usr", nothing, object])
@pytest.mark.parametrize("make", [Signal, clarion.Signal], ids=["django", "clarion"])
def test_signals_of_the_program(connect, make, sender):
    """Any sender of a program's own signal is accepted."""
    assert connect(make(), sender) == []


@pytest.mark.parametrize("sender", [Dated, nothing])
def test_model_signals_of_the_program(connect, sender):
    """A program's own model signal accepts any sender, and Django looks up text."""
    own = ModelSignal()
    assert connect(own, sender) == []
    assert len(connect(own, "auth.Usr")) == 1


@pytest.mark.parametrize(
    "decorate",
    [
        lambda: receiver(post_save, sender="auth.Usr"),
        lambda: clarion.receiver(post_save, sender="auth.Usr"),
        lambda: post_save.connect(sender="auth.Usr"),
        lambda: post_bulk_insert.connect(sender="auth.Usr"),
    ],
    ids=["django", "clarion", "connect", "bulk"],
)
def test_decorators(decorate):
    """Each decorator warns once, at the line of the program."""
    with pytest.warns(SenderWarning, match="no app has such a model") as caught:
        assert decorate()(nothing) is nothing
    assert [each.filename for each in caught] == [__file__]


PROGRAM = """
from django.apps import apps
from django.core.checks import run_checks
from django.db.models.signals import post_save
from clarion.integrations.django import install, post_bulk_insert

def receive(**kwargs): ...

install()
settings.INSTALLED_APPS += ["clarion"]
"""


def test_system_check():
    """The system check lists receivers that were connected before Django was ready, too early to warn."""
    lines = programs.run(
        PROGRAM
        + """
post_save.connect(receive, sender="auth.Nobody")
post_bulk_insert.connect(receive, sender="auth.Nobody")
post_save.connect(receive, sender=object)
post_save.connect(receive, sender="auth.Group")
django.setup()
for found in run_checks():
    if "receive" in f"{found.msg}{found.obj}":
        print(found.id, found.obj, found.msg, found.hint)
"""
    )
    ours, bulk, djangos = sorted(lines)
    assert re.match(r"clarion.W001 <string>:\d+ Receiver __main__.receive of signal", ours)
    assert "builtins.object, which is no model, but a base of models. Connect it with" in ours
    assert bulk.startswith("models.E022 Receiver __main__.receive (<string>:")
    assert "post_bulk_insert contains a lazy reference to auth.nobody, but app" in bulk
    assert djangos.startswith("signals.E001")


def test_a_swapped_model():
    """A swapped model is warned of, because the model of the setting is saved in its place.

    For a misspelt name of it, that model is proposed.
    """
    lines = programs.run(
        PROGRAM
        + """
import re
import warnings
settings.AUTH_USER_MODEL = "contenttypes.ContentType"
django.setup()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from django.contrib.auth.models import User
    post_save.connect(receive, sender=User)
    post_save.connect(receive, sender="auth.User")
    post_save.connect(receive, sender=settings.AUTH_USER_MODEL)
    post_bulk_insert.connect(receive, sender="auth.usr")
for each in caught:
    print(str(each.message).partition("connected to ")[2])
print([found.id for found in run_checks(tags=["signals"]) if "receive" in found.msg])
"""
    )
    sentence = (
        "auth.User, which settings.AUTH_USER_MODEL replaces by another model. "
        "Give settings.AUTH_USER_MODEL."
    )
    misspelt = "the sender 'auth.usr', and no app has such a model. Did you mean 'contenttypes.ContentType'?"
    assert lines == [sentence, sentence, misspelt, "['clarion.W001']"]


def test_a_relationship_instead_of_its_table(connect):
    """The message names the table, also for an attribute of the model."""
    [message] = connect(m2m_changed, Book.authors)
    assert (
        "which is no class. Give the table of a relationship, such as Book.authors.through"
        in message
    )


def test_a_value_as_the_sender_of_another_signal(connect):
    """Objects that are equal do not match, except in signals whose senders are judged."""
    signal = Signal()
    [message] = connect(signal, UUID(int=1))
    assert "The sender (an object of uuid.UUID) matches by identity" in message
    assert connect(signal, 5) == connect(signal, Author) == connect(signal, nothing) == []
    [message] = connect(post_save, UUID(int=1))
    assert "which is no class. Give a model." in message
    [message] = connect(Signal(), (1, 2))
    assert "no send by one of its items matches it" in message
