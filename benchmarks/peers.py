"""The measured dispatchers: Clarion and the installed peers.

Each is called by its own API. An empty statement means that the library cannot express the
case; its column then shows a dash.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from benchmarks.receivers import Order
from benchmarks.timing import Run, coroutine, statement
from clarion.introspect import dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.receivers import Receiver

CHURN = """\
for receiver in receivers:
    {connect}
for receiver in receivers:
    {disconnect}
"""


class Library:
    """A dispatcher with Django's method names, which most use."""

    name = ""
    distribution = ""
    module = ""
    send = "signal.send(sender=sender, order_id=1, amount=2)"
    robust = ""
    asend = ""
    awaits_sync = False  # whether asend calls sync receivers too
    sends_to_async = False  # whether send calls async receivers too
    has_senders = True
    environment: ClassVar[dict[str, str]] = {}  # selects this library in a separate process
    connecting = "signal.connect(receiver)"
    disconnecting = "signal.disconnect(receiver)"

    def __init__(self) -> None:
        """Import the library; ImportError if it is not installed."""
        self.imported: Any = import_module(self.module)

    @property
    def version(self) -> str:
        """The installed version."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return "from a checkout"

    def new(self) -> Any:
        """Make a signal."""
        return self.imported.Signal()

    def declared(self, function: Callable[..., None]) -> Any:
        """Make a signal with the keywords of a function; None if the library has none."""
        return None

    def connect(self, signal: Any, receiver: Receiver, sender: object = None) -> None:
        """Connect a function, held strongly."""
        signal.connect(receiver, sender=sender, weak=False)

    def connect_weakly(self, signal: Any, receiver: Receiver) -> None:
        """Connect a bound method, held weakly by its object."""
        signal.connect(receiver)

    def connect_inline(self, signal: Any, receiver: Receiver) -> None:
        """Connect a sync receiver in the library's fastest way for asend."""
        self.connect(signal, receiver)

    def listened(self, receivers: Iterable[Receiver]) -> Any:
        """Make a signal with these receivers connected, for any sender."""
        signal = self.new()
        for receiver in receivers:
            self.connect(signal, receiver)
        return signal

    def listened_weakly(self, methods: Iterable[Receiver]) -> Any:
        """Make a signal with these methods connected, held weakly."""
        signal = self.new()
        for method in methods:
            self.connect_weakly(signal, method)
        return signal

    def run(self, code: str, signal: Any, sender: object = Order, **names: object) -> Run | None:
        """Time one of the statements above; None if it is empty."""
        if not code:
            return None
        make = coroutine if code.startswith("await ") else statement
        return make(code, signal=signal, sender=sender, library=self.imported, **names)

    def churn(self, receivers: list[Receiver]) -> Run:
        """Time connecting all receivers, and disconnecting them in the same order."""
        code = CHURN.format(connect=self.connecting, disconnect=self.disconnecting)
        return statement(
            code, signal=self.new(), receivers=receivers, sender=Order, library=self.imported
        )


class Clarion(Library):
    """Clarion with its compiled sends."""

    name = "Clarion"
    distribution = "clarion"
    module = "clarion"
    robust = "signal.send_robust(sender=sender, order_id=1, amount=2)"
    asend = "await signal.asend(sender=sender, order_id=1, amount=2)"
    awaits_sync = True
    sends_to_async = True

    def declared(self, function: Callable[..., None]) -> Any:
        """Declare a signal by a function's signature."""
        return self.imported.DeclaredSignal(function)

    def connect_inline(self, signal: Any, receiver: Receiver) -> None:
        """Connect a receiver that is called on the event loop."""
        signal.connect(receiver, inline=True)


class Pure(Clarion):
    """Clarion with its sends in Python, as subclasses of the signals in the same process."""

    name = "pure Python"
    environment: ClassVar[dict[str, str]] = {"CLARION_PURE": "1"}

    def __init__(self) -> None:
        """Override the compiled methods with the Python functions."""
        super().__init__()
        sends = import_module("clarion._core.send")
        methods = {
            "send": sends.send,
            "send_robust": sends.send_robust,
            "asend": sends.asend,
            "asend_robust": sends.asend_robust,
        }
        self._signal: Any = type("PureSignal", (self.imported.Signal,), methods)
        self._declared: Any = type("PureDeclaredSignal", (self.imported.DeclaredSignal,), methods)

    def new(self) -> Any:
        """Make a signal."""
        return self._signal()

    def declared(self, function: Callable[..., None]) -> Any:
        """Declare a signal by a function's signature."""
        return self._declared(function)


class Django(Library):
    """Django's dispatcher, without Clarion."""

    name = "Django"
    distribution = "django"
    module = "django.dispatch"
    robust = Clarion.robust
    asend = Clarion.asend
    awaits_sync = True
    sends_to_async = True

    def __init__(self) -> None:
        """Import it, and configure the settings that its connect() reads."""
        super().__init__()
        settings: Any = import_module("django.conf").settings
        if not settings.configured:
            settings.configure()


class Blinker(Library):
    """Blinker: a positional sender, no robust send, no sync receivers in an async send."""

    name = "blinker"
    distribution = "blinker"
    module = "blinker"
    send = "signal.send(sender, order_id=1, amount=2)"
    asend = "await signal.send_async(sender, order_id=1, amount=2)"

    def connect(self, signal: Any, receiver: Receiver, sender: object = None) -> None:
        """Connect a function, held strongly."""
        sender = self.imported.ANY if sender is None else sender
        signal.connect(receiver, sender=sender, weak=False)


class PyDispatcher(Library):
    """PyDispatcher: module-level functions; a signal is any object."""

    name = "PyDispatcher"
    distribution = "pydispatcher"
    module = "pydispatch.dispatcher"
    send = "library.send(signal=signal, sender=sender, order_id=1, amount=2)"
    connecting = "library.connect(receiver, signal=signal)"
    disconnecting = "library.disconnect(receiver, signal=signal)"

    def new(self) -> Any:
        """Make an object to use as a signal."""
        return Order()

    def connect(self, signal: Any, receiver: Receiver, sender: object = None) -> None:
        """Connect a function, held strongly."""
        sender = self.imported.Any if sender is None else sender
        self.imported.connect(receiver, signal=signal, sender=sender, weak=False)

    def connect_weakly(self, signal: Any, receiver: Receiver) -> None:
        """Connect a bound method, held weakly by its object."""
        self.imported.connect(receiver, signal=signal)


class Psygnal(Library):
    """Psygnal: positional arguments, no selection by sender, no responses."""

    name = "psygnal"
    distribution = "psygnal"
    module = "psygnal"
    send = "signal.emit(sender, 1, 2)"
    has_senders = False

    def __init__(self) -> None:
        """Import it; its signals need an owner that stays alive."""
        super().__init__()
        self._owners: list[object] = []

    def new(self) -> Any:
        """Make a signal of a sender and two numbers."""
        signal = self.imported.Signal(object, int, int)
        owner = type("Owner", (SimpleNamespace,), {"paid": signal})()
        self._owners.append(owner)
        return owner.paid

    def connect(self, signal: Any, receiver: Receiver, sender: object = None) -> None:
        """Connect a function, which psygnal always holds strongly."""
        if sender is not None:
            raise NotImplementedError("psygnal does not select receivers by sender")
        signal.connect(receiver)


PEERS: tuple[type[Library], ...] = (Django, Blinker, PyDispatcher, Psygnal)


def installed() -> tuple[Library, ...]:
    """Return Clarion (compiled if available, and pure) and each peer that can be imported."""
    found: list[Library] = [Clarion(), Pure()] if dispatcher().is_compiled else [Pure()]
    for peer in PEERS:
        try:
            found.append(peer())
        except ImportError:
            continue
    return tuple(found)
