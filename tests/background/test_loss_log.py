"""Losses of an engine, each logged once."""

import logging

import pytest

from clarion.background import CallOptions
from clarion.background.loss_log import LossLog
from tests.background.recorder import Recorder


class Transient(Recorder):
    """Loses the calls with the option `fast`."""

    def losses_with(self, options):
        return ["A fast call is lost. Leave fast= out."] if options.engine.get("fast") else ()


@pytest.fixture
def written(caplog):
    """Return the messages that were logged."""
    caplog.set_level(logging.WARNING, "clarion.background")
    return lambda: [each.message for each in caplog.records]


def test_each_loss_is_logged_once(written):
    """The settings are logged once, and the options when a receiver has them."""
    engine = Transient()
    engine.said = ["It loses calls. Set safe=True."]
    log = LossLog(engine)
    log.write([CallOptions()])
    assert written() == engine.said
    fast = CallOptions(engine={"fast": True})
    log.write([fast])
    log.write([CallOptions(), fast])
    assert written() == [*engine.said, "A fast call is lost. Leave fast= out."]
