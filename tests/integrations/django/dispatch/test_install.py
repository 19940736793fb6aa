"""install() runs Django's signals on Clarion, and uninstall() restores Django's."""

import gc
import subprocess
import sys

import pytest
from django.db.models import signals
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver

from clarion.integrations.django import install, is_installed
from clarion.introspect import explain
from clarion.introspect import signals as all_signals
from clarion.testing import assert_sent, capture, muted
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author, Book, Novelist, noted_in_models

pytestmark = pytest.mark.django_db


def test_being_in_installed_apps_is_enough():
    """With the app in INSTALLED_APPS, Django runs on Clarion without a call of install()."""
    assert is_installed()
    assert type(post_save._table).__module__ == "clarion.integrations.django.dispatch.table"


def test_receivers_in_models_use_clarions_arguments():
    """An app before Clarion's can connect with a priority, to a lazy sender."""
    noted_in_models.clear()
    order = []
    post_save.connect(lambda **kwargs: order.append(list(noted_in_models)), Author, weak=False)
    Author.objects.create(name="Christie")
    assert order == [["Christie"]]


def test_model_signals_arrive_as_in_django():
    """Saving, relating and deleting sends Django's signals with Django's arguments."""
    with capture() as sent:
        author = Author.objects.create(name="Doyle")
        book = Book.objects.create(title="A Study in Scarlet")
        book.authors.add(author)
        book.delete()
    assert_sent(sent, signals.pre_init, sender=Author, args=())
    assert_sent(sent, post_save, sender=Author, instance=author, created=True, raw=False)
    assert_sent(sent, signals.m2m_changed, sender=Book.authors.through, action="post_add")
    assert_sent(sent, signals.post_delete, sender=Book, origin=book)


def test_a_signal_made_later_runs_on_clarion_too():
    """A signal that the project makes after install() runs on Clarion."""
    late = Signal()
    received = []
    late.connect(lambda sender, **kwargs: received.append(kwargs["n"]), weak=False, priority=1)
    assert late.send(sender=None, n=3)[0][1] is None
    assert received == [3]
    assert late in all_signals()


def test_functions_are_held_weakly():
    """As in Django, a local function is disconnected at the end of its scope."""
    here = Signal()

    def connect():
        @receiver(here)
        def local(**kwargs): ...

    connect()
    gc.collect()
    assert here.send(sender=None) == []
    assert here.receivers == []


def test_signals_are_called_by_their_names():
    """An imported signal is named by the module that made it."""
    assert explain(post_save, Author).heard[0].name.endswith("note_in_models")
    name = "django.db.models.signals.post_save"
    assert str(explain(post_save)).startswith(f"{name}, sent by no particular sender\n")


def test_subclasses_of_a_model():
    """With subclasses=True, a receiver is called for the models that inherit from its sender."""
    received = []

    def receive(sender, **kwargs):
        received.append(sender)

    post_save.connect(receive, sender=Author, subclasses=True)
    Novelist.objects.create(name="Hammett")
    Author.objects.create(name="Chandler")
    assert received == [Novelist, Author]


def test_once():
    """A receiver connected with once=True is called once."""
    received = []

    @receiver(post_save, sender=Author, once=True)
    def receive(instance, **kwargs):
        received.append(instance.name)

    Author.objects.create(name="first")
    Author.objects.create(name="second")
    assert received == ["first"]


def test_muted_signals_call_no_receiver():
    """Django's signals are muted as Clarion's own are."""
    noted_in_models.clear()
    with muted(post_save, sender=Author):
        Author.objects.create(name="muted")
    Author.objects.create(name="received")
    assert noted_in_models == ["received"]


def test_installing_twice_changes_nothing():
    """A second install() leaves tables and receivers unchanged."""
    table = post_save._table
    install()
    assert post_save._table is table


def test_uninstalling_restores_django_exactly():
    """The class, the signals, the receivers and their order are restored."""
    lines = programs.run(
        """
        from django.db.models.signals import ModelSignal, post_save
        from django.dispatch import Signal

        def early(sender, **kwargs): return "early"
        def late(sender, **kwargs): return "late"

        class Kept:
            def method(self, **kwargs): return "method"

        kept = Kept()
        post_save.connect(early)
        django.setup()
        from django.contrib.auth.models import User
        post_save.connect(kept.method, sender=User)
        post_save.connect(lambda **kwargs: "uid", dispatch_uid="u", weak=False)

        def state():
            held = [(key, type(ref), rest) for key, ref, *rest in post_save.receivers]
            attributes = {name: type(value) for name, value in vars(post_save).items()}
            return dict(vars(Signal)), dict(vars(ModelSignal)), held, attributes

        from clarion.integrations.django import install, uninstall
        before = state()
        install()
        assert vars(Signal)["send"] is not before[0]["send"]
        post_save.connect(late, sender=User)
        assert [r for _, r in post_save.send(User)] == ["early", "method", "uid", "late"]
        assert [r for _, r in post_save.send(int)] == ["early", "uid"]
        post_save.disconnect(late, sender=User)
        uninstall()
        after = state()
        for was, now in zip(before, after):
            assert was == now, (was, now)
        assert [r for _, r in post_save.send(User)] == ["early", "method", "uid"]
        del kept
        assert [r for _, r in post_save.send(User)] == ["early", "uid"]
        assert len(post_save.receivers) == 2
        install()
        assert [r for _, r in post_save.send(User)] == ["early", "uid"]
        print("restored")
        """
    )
    assert lines == ["restored"]


def test_a_sender_known_by_its_id_survives_install_and_uninstall():
    """A sender without any reference to it is routed by its id, as in Django 5.2."""
    lines = programs.run(
        """
        import weakref
        from django.dispatch import Signal
        from clarion.integrations.django import install, uninstall

        def receive(**kwargs): return "received"

        # The garbage collector does not track an object(), so it cannot be found.
        sender = object()
        no_reference = (None,) if hasattr(Signal, "_flag_dead_receivers") else ()
        signal = Signal()
        signal.receivers = [(("key", id(sender)), weakref.ref(receive), *no_reference, False)]
        for change in (install, uninstall, install):
            change()
            assert signal.send(sender) == [(receive, "received")], change
            assert signal.send(object()) == [], change
        print(signal.disconnect(dispatch_uid="key", sender=sender))
        """
    )
    assert lines == ["True"]


def test_installing_needs_no_settings():
    """A program that uses Django's dispatcher without settings can install Clarion."""
    program = (
        "from django.dispatch import Signal; from clarion.integrations.django import install;"
        "s = Signal(); install();"
        "s.connect(lambda sender, **kw: 7, weak=False); print(s.send(1)[0][1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "7\n", done.stderr
