"""Log sends at DEBUG level, each in the logger of its signal: `clarion.signal.<name>`.

The log is an instrument for all signals. It is attached only while such a logger is enabled for DEBUG,
so a send checks no level and pays nothing otherwise. `logging` clears the caches of all loggers when
a level changes. One of these caches is a `Levels`, which then attaches or detaches the instrument.
"""

from __future__ import annotations

import sys
from time import perf_counter

from clarion._core import instrument
from clarion._core.names import keyword_name, sender_name, signal_name
from clarion._core.tabled import table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from types import FrameType
    from typing import Any

    from clarion._core.instrument import Send
    from clarion._core.signal import Signal

    _Levels = dict[int, bool]
else:
    _Levels = dict

NAME = "clarion.signal"
"""The parent of the loggers of all signals."""

# How long to wait for the lock of a table. Meanwhile this thread holds the lock of `logging`. The
# thread that holds the table's lock may wait for the lock of `logging`, if a finalizer logs.
SECONDS = 0.2

# Whether levels are watched. Building a route calls `watch` until this is set.
is_watching = False


class SendLog(instrument.Instrument):
    """The instrument that logs each send when it has ended."""

    def began(self, send: Send) -> None:
        """Note the time, if the logger of the signal is enabled."""
        logger = logger_of(send.signal)
        if logger.isEnabledFor(10):
            send.started = perf_counter()

    def ended(self, send: Send) -> None:
        """Log the send: the names of its keywords, but not their values."""
        if (started := getattr(send, "started", None)) is None:
            return
        count = len(send.responses)
        if not count and send.error is None and signal_name(send.signal).startswith("django."):
            return  # Django sends these two signals for each object that it loads
        names = [keyword_name(name) for name in send.arguments if name not in ("sender", "signal")]
        by = "no particular sender" if send.sender is None else sender_name(send.sender)
        logger_of(send.signal).debug(
            "%s, sent by %s with %s: %d %s in %.3f ms%s",
            signal_name(send.signal),
            by,
            ", ".join(names) or "no keywords",
            count,
            "receiver" if count == 1 else "receivers",
            (perf_counter() - started) * 1000,
            "" if send.error is None else f", ended by {type(send.error).__qualname__}",
            stacklevel=_frames_of_clarion(),
        )


_log = SendLog()


class Levels(_Levels):
    """The cache of one logger's levels. `logging` clears it when any level changes."""

    def clear(self) -> None:
        """Clear the cache, and attach or detach the instrument."""
        super().clear()
        update()


def logger_of(signal: Signal) -> logging.Logger:
    """Return the logger of a signal; for a signal without a name, the parent."""
    from logging import getLogger

    name = signal_name(signal)
    return getLogger(NAME if table_of(signal).name is None else f"{NAME}.{name}")


def watch() -> None:
    """Watch the levels of loggers from now on, if the program has imported `logging`."""
    global is_watching  # noqa: PLW0603
    logging: Any = sys.modules.get("logging")
    if not hasattr(
        logging, "captureWarnings"
    ):  # the last function of the module; another thread may still be importing it
        return
    is_watching = True
    logger = logging.getLogger(NAME)
    if hasattr(logger, "_cache"):
        logger._cache = Levels()  # noqa: SLF001  # no public API reports a change of a level
        update()


def update() -> None:
    """Attach or detach the instrument, depending on the current levels."""
    is_attached = _log in instrument.everywhere
    if (is_enabled := _is_enabled()) != is_attached:
        instrument.switch(_log, on=is_enabled, seconds=SECONDS)


def _is_enabled() -> bool:
    """Return whether a logger of a signal is enabled, or would be if it existed."""
    logging: Any = sys.modules["logging"]
    above = logging.getLogger(NAME)
    if above.manager.disable >= logging.DEBUG:
        return False
    named = list(above.manager.loggerDict.items())
    own = [each for name, each in named if name.startswith(f"{NAME}.")]
    levels = [above.getEffectiveLevel(), *(getattr(each, "level", 0) or 99 for each in own)]
    return bool(min(levels) <= logging.DEBUG)


def _frames_of_clarion() -> int:
    """Return how many frames are between the code that sends and the logger."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    count = 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("clarion."):
        frame, count = frame.f_back, count + 1
    return count + 1 if frame is not None else 1
