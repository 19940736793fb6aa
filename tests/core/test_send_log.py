"""The log of sends: one logger for each signal, and no cost while no logger is enabled."""

import asyncio
import logging
import os
import subprocess
import sys

import pytest

from clarion import Signal
from clarion import signal as declare
from clarion._core import instrument, send_log
from clarion._core.tabled import table_of
from tests.core.receivers import Sender, answering, answering_async, answers, raising
from tests.house.tree import SRC

LOGGER = "clarion.signal.shop.paid"


@pytest.fixture
def paid():
    """Return a signal with a name and one receiver."""
    paid = Signal(name="shop.paid")
    paid.connect(answering("here"))
    paid.send(None)  # from now on, levels are watched
    return paid


def is_fast(signal):
    """Return whether a send only calls the receivers."""
    return table_of(signal).find_route(None).is_simple


@pytest.mark.parametrize("logger", [LOGGER, "clarion.signal.shop", "clarion.signal", "clarion", ""])
def test_the_level_switches_it_on(paid, caplog, logger):
    """The level of the signal's logger, or of a parent of it, switches the log on and off."""
    assert is_fast(paid)
    with caplog.at_level(logging.DEBUG, logger):
        paid.send(Sender, order_id=42, amount="hunter2")
    assert is_fast(paid)
    paid.send(Sender, order_id=43)
    (record,) = caplog.records
    assert record.name == LOGGER
    assert record.levelno == logging.DEBUG
    message, _, time = record.getMessage().rpartition(" in ")
    assert message == (
        "shop.paid, sent by tests.core.receivers.Sender with order_id, amount: 1 receiver"
    )
    assert float(time.removesuffix(" ms")) >= 0


def test_other_loggers_do_not(paid, caplog):
    """Neither the level of another logger nor a higher level switches the log on."""
    for logger, level in (("shop", logging.DEBUG), (LOGGER, logging.INFO)):
        with caplog.at_level(level, logger):
            assert is_fast(paid)
            paid.send(None)
    assert caplog.records == []


def test_another_signal_is_not_logged(paid, caplog):
    """The level of one signal's logger does not affect other signals."""
    other = Signal(name="shop.other")
    with caplog.at_level(logging.DEBUG, LOGGER):
        other.send(None)
        paid.send(None)
    assert [record.name for record in caplog.records] == [LOGGER]


def test_disable_counts(paid, caplog):
    """`logging.disable` switches the log off, too."""
    with caplog.at_level(logging.DEBUG, "clarion"):
        assert not is_fast(paid)
        logging.disable(logging.DEBUG)
        try:
            assert is_fast(paid)
        finally:
            logging.disable(logging.NOTSET)
        assert not is_fast(paid)
    assert is_fast(paid)


def test_all_sends_are_logged(paid, caplog):
    """Each of the four sends is logged, with failures, without receivers, and async."""
    empty = Signal(name="shop.empty")

    @declare(name="shop.declared")
    def declared(sender, *, n: int = 0) -> None: ...

    declared.connect(answering_async("later"))
    with caplog.at_level(logging.DEBUG, "clarion.signal"):
        empty.send("web")
        asyncio.run(paid.asend(7))
        asyncio.run(declared.asend(None, n=1))
        declared.send(None)
        paid.connect(raising(ValueError("hunter2")))
        with pytest.raises(ValueError, match="hunter2"):
            paid.send("hunter2://")
        paid.send_robust(None, **{"sqlite:///secret.db": 1})
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    assert [message.partition(" in ")[0] for message in messages] == [
        "shop.empty, sent by 'web' with no keywords: 0 receivers",
        "shop.paid, sent by 7 with no keywords: 1 receiver",
        "shop.declared, sent by no particular sender with n: 1 receiver",
        "shop.declared, sent by no particular sender with n: 1 receiver",
        "shop.paid, sent by a str with no keywords: 1 receiver",
        "shop.paid, sent by no particular sender with a str: 2 receivers",
    ]
    assert messages[4].endswith(" ms, ended by ValueError")


def test_the_record_has_the_place_of_the_send(paid, caplog):
    """The record has the file and the line of the code that sends."""

    async def send():
        await paid.asend(None)

    with caplog.at_level(logging.DEBUG, LOGGER):
        paid.send(None)
        asyncio.run(send())
    assert [(each.filename, each.funcName) for each in caplog.records] == [
        ("test_send_log.py", "test_the_record_has_the_place_of_the_send"),
        ("test_send_log.py", "send"),
    ]


def test_a_signal_without_a_name(caplog):
    """A signal without a name is logged by the parent of all signals' loggers."""
    nameless = Signal()
    with caplog.at_level(logging.DEBUG, "clarion"):
        nameless.send(None)
    (record,) = caplog.records
    assert record.name == "clarion.signal"
    assert "nameless Signal made in tests.core.test_send_log" in record.getMessage()


def test_has_listeners_stays_true_to_the_receivers(caplog):
    """An enabled log does not count as a listener."""
    empty = Signal(name="shop.empty")
    with caplog.at_level(logging.DEBUG, "clarion"):
        assert not empty.has_listeners()


def test_nothing_is_attached_while_it_is_off(paid):
    """While the log is off no instrument is attached, and routes are fast."""
    assert not any(isinstance(each, send_log.SendLog) for each in instrument.everywhere)
    assert answers(paid.send(None)) == ["here"]
    assert table_of(paid).find_route(None).strong_receivers is not None


@pytest.mark.parametrize("first", ["import logging", "import clarion"])
def test_a_program_that_configures_logging(first):
    """`basicConfig` and `dictConfig` switch it on, before and after Clarion is imported."""
    code = f"""
{first}
import logging, logging.config, sys
from clarion import Signal
signal = Signal(name="shop.paid")
signal.connect(lambda **kwargs: None)
signal.send(None)
logging.basicConfig(level="DEBUG", format="%(name)s", stream=sys.stdout)
signal.send(None)
logging.getLogger().setLevel("WARNING")
signal.send(None)
logging.config.dictConfig({{
    "version": 1,
    "handlers": {{"out": {{"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}}},
    "root": {{"handlers": ["out"], "level": "DEBUG"}},
}})
signal.send(None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # The last configuration disables existing loggers, as for any library.
    assert done.stdout.splitlines() == ["clarion.signal.shop.paid"]


def test_logging_is_not_imported_for_it():
    """A program without `logging` sends, and does not import it."""
    code = """
import sys
from clarion import Signal
signal = Signal()
signal.send(None)
print("logging" in sys.modules)
import logging
logging.getLogger("clarion.signal").setLevel("DEBUG")
signal.connect(lambda **kwargs: print("called"))
signal.send(None)
"""
    # Without site, whose .pth files may import it.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert done.stdout.splitlines() == ["False", "called"]
