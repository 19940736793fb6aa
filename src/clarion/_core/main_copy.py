"""Warn of a send that misses receivers, because its file runs as the main module and was imported, too.

`python shop.py` runs the file as `__main__`. If another module imports `shop`, the file runs again, and each of its
signals exists twice. A receiver that is connected to one of the two is not called by the sends of the other.
"""

from __future__ import annotations

from contextlib import suppress
from weakref import ref

from clarion._core import instrument, registry
from clarion._core.callers import warn_caller
from clarion._core.names import described, name_of, name_signals, signal_name
from clarion._core.tabled import table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from clarion._core.instrument import Send
    from clarion._core.signal import Signal

# The second name is that of the main module in a process that `multiprocessing` has started.
MAIN = ("__main__", "__mp_main__")

# The name by which the file of the main module was imported, if it has created a signal then.
_imported = ""


def watch(signal: Signal, name: str) -> None:
    """Watch the sends of a new signal of the main file, if that file runs twice in this process.

    Args:
        signal: the new signal.
        name: the name by which the file is running now.
    """
    global _imported  # noqa: PLW0603
    if name in MAIN:
        if _imported:
            instrument.attach(_copies, signal)
    elif not _imported:
        _imported = name
        earlier = [each for each in registry.signals() if each is not signal and _is_of_main(each)]
        instrument.attach(_copies, signal, *earlier)
    elif name == _imported:
        instrument.attach(_copies, signal)


def _is_of_main(signal: Signal) -> bool:
    table = table_of(signal)
    return table.home in MAIN or (table.name or "").partition(".")[0] in MAIN


class Copies(instrument.Instrument):
    """The instrument that compares the receivers of a signal with those of its copy, until one is missed."""

    def __init__(self) -> None:
        self._known: dict[str, list[ref[Signal]]] = {}  # both signals of a name

    def began(self, send: Send) -> None:
        """Warn if the copy has a receiver that this send does not call."""
        signal = send.signal
        own = _receivers(signal)
        for copy in self._copies_of(signal):
            missed = [found for name, found in _receivers(copy).items() if name not in own]
            if missed:
                with suppress(ValueError):  # another thread has detached it
                    instrument.detach(self, signal)
                _warn(signal, copy, missed[0])

    def _copies_of(self, signal: Signal) -> list[Signal]:
        name = _imported_name(signal_name(signal))
        if table_of(signal).name is None:
            return []
        known = [found for each in self._known.get(name, ()) if (found := each()) is not None]
        # The copy may be created later, and a module may be loaded again.
        if len(known) < 2 or not any(each is signal for each in known):  # noqa: PLR2004
            live = registry.signals()
            name_signals(live)  # in one search of all modules, instead of one for each signal
            known = [each for each in live if _imported_name(signal_name(each)) == name]
            self._known[name] = [*map(ref, known)]
        return [each for each in known if each is not signal]


_copies = Copies()


def _warn(signal: Signal, copy: Signal, receiver: object) -> None:
    warn_caller(
        f"Receiver {described(receiver)} is connected to signal {signal_name(copy)}, and no send of signal "
        f"{signal_name(signal)} calls it: the file of the main module was imported as {_imported}, too, so each of its "
        f"signals exists twice. Define the signals in another module, which is only imported.",
        RuntimeWarning,
    )


def _receivers(signal: Signal) -> dict[str, object]:
    """Return the receivers of a signal by the names that they have in the imported file."""
    live = [each.live() for each in table_of(signal).registrations()]
    return {_imported_name(name_of(each)): each for each in live if each is not None}


def _imported_name(name: str) -> str:
    for main in MAIN:
        name = name.replace(f"{main}.", f"{_imported}.")
    return name
