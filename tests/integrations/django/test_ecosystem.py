"""Real packages that read or replace Django's private attributes of signals."""

import pytest
import sentry_sdk
from debug_toolbar.panels.signals import SignalsPanel
from debug_toolbar.toolbar import DebugToolbar
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal
from django.test import Client
from factory.declarations import Sequence
from factory.django import DjangoModelFactory, mute_signals
from sentry_sdk.integrations.django import DjangoIntegration

from tests.integrations.django.library.models import Author, noted_in_models

pytestmark = pytest.mark.django_db


class AuthorFactory(DjangoModelFactory[Author]):
    class Meta:
        model = Author

    name = Sequence("author {}".format)


@mute_signals(post_save)
class QuietAuthorFactory(AuthorFactory): ...


def test_factory_boy_mutes_and_restores_signals():
    """mute_signals calls no receiver, and restores those connected before and meanwhile."""
    noted_in_models.clear()
    before = list(post_save.receivers)
    called = []

    def meanwhile(**kwargs):
        called.append("meanwhile")

    with mute_signals(pre_save, post_save):
        Author.objects.create(name="muted")
        post_save.connect(meanwhile, sender=Author)
    assert noted_in_models == []
    Author.objects.create(name="called")
    assert noted_in_models == ["called"]
    assert called == ["meanwhile"]
    assert post_save.receivers[: len(before)] == before


def test_factory_boy_mutes_a_factory():
    """A decorated factory calls no receiver, and another one does."""
    noted_in_models.clear()
    QuietAuthorFactory()
    AuthorFactory(name="aloud")
    assert noted_in_models == ["aloud"]


def test_debug_toolbar_shows_receivers(rf):
    """The signals panel reads the receivers' names from the list."""
    toolbar = DebugToolbar(rf.get("/"), lambda request: None)
    panel = SignalsPanel(toolbar, lambda request: None)
    panel.generate_stats(None, None)
    stats = dict(panel.get_stats()["signals"])
    assert stats["post_save"] == ["note_in_models"]
    assert "Options.setting_changed" in stats["setting_changed"]


@pytest.fixture
def spans():
    """Run Sentry's SDK for real, with a transport that keeps what it would send."""
    below = Signal._live_receivers
    events = []
    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        traces_sample_rate=1.0,
        integrations=[DjangoIntegration(signals_spans=True)],
        default_integrations=False,
        auto_enabling_integrations=False,
        before_send_transaction=lambda event, hint: events.append(event),
    )
    yield events
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.init(default_integrations=False, auto_enabling_integrations=False)
    Signal._live_receivers = below


def test_sentrys_spans_appear(spans):
    """Sentry wraps `_live_receivers` after install(), and each receiver has its span."""
    noted_in_models.clear()
    with sentry_sdk.start_transaction(name="test"):
        Author.objects.create(name="traced")
    assert noted_in_models == ["traced"]
    [event] = spans
    described = [span["description"] for span in event["spans"] if span["op"] == "event.django"]
    assert any(name.endswith("library.models.note_in_models") for name in described)


def test_sentry_initialised_before_install_keeps_its_spans():
    """In a settings module sentry_sdk.init() runs first; its wrapper stays in place."""
    from tests.integrations.django import programs

    lines = programs.run(
        """
        from django.dispatch import Signal
        from clarion.integrations.django import install

        def receive(**kwargs): return "called"

        signal = Signal()
        signal.connect(receive)
        install()
        with sentry_sdk.start_transaction(name="test"):
            print(signal.send(1)[0][1])
        print(*[span["description"] for span in events[0]["spans"]])
        """,
        before_setup="""
        import warnings
        warnings.simplefilter("ignore")
        import sentry_sdk
        from sentry_sdk.integrations.django import DjangoIntegration
        events = []
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:9/1",
            traces_sample_rate=1.0,
            integrations=[DjangoIntegration(signals_spans=True)],
            default_integrations=False,
            auto_enabling_integrations=False,
            before_send_transaction=lambda event, hint: events.append(event),
        )
        """,
    )
    assert lines == ["called", "__main__.receive"]


def test_a_request_through_django():
    """Clarion sends the request signals, and the exception signal of a failing view."""
    from django.core.signals import got_request_exception, request_finished, request_started

    from clarion.testing import assert_sent, capture

    with capture(request_started, request_finished, got_request_exception) as sent:
        assert Client().get("/write/").status_code == 200
        with pytest.raises(ZeroDivisionError):
            Client().get("/fail/")
    assert_sent(sent, request_started, times=2)
    assert_sent(sent, got_request_exception, times=1)
