"""The exceptions that Clarion raises.

    ClarionError
    ├── ReceiverError              a receiver that connect() cannot take
    │   ├── NotCallableError           also a TypeError, as Django 6.1 raises
    │   ├── SignatureError             also a ValueError, as Django 6.1 raises
    │   └── WeakReferenceError         also a TypeError
    ├── SenderError                a sender that connect() cannot route; also a TypeError
    ├── ArgumentError              an unknown, missing or wrong argument; also a TypeError
    ├── DeclarationError           a function that cannot declare a signal; also a TypeError
    ├── RunningLoopError           a send() that would have to await; also a RuntimeError
    ├── NoLoopError                an asend() outside asyncio; also a RuntimeError
    ├── MissingExtraError          a package that is missing or too old; also a ModuleNotFoundError
    ├── EndlessFlushError          receivers that change objects without end; also a RuntimeError
    ├── BoundaryError              an alias that no transaction has; also a LookupError
    ├── TransactionError           a transaction that cannot begin or commit; also a RuntimeError
    ├── EndlessCommitError         receivers that cause each other endlessly; also a RuntimeError
    ├── EncodingError              a value that a stored send cannot hold; also a TypeError
    ├── DecodingError              stored data that cannot be read; also a ValueError
    ├── HandOverError              an engine has not confirmed a call; also a RuntimeError
    ├── UnknownReceiverError       a receiver that a worker has not connected; also a LookupError
    ├── NotSentError               assert_sent() found no such send; also an AssertionError
    ├── Retry                      raised by a stored receiver: call it again later
    └── Reject                     raised by a stored receiver: give this delivery up

A message has two sentences: what is wrong, and what to do. The exception also has its data as
attributes. An exception of a receiver is never wrapped: it propagates unchanged, with a
note.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from typing import Any


class ClarionError(Exception):
    """The base of all errors that Clarion raises."""


class ReceiverError(ClarionError):
    """A receiver that cannot be connected.

    Attributes:
        receiver: the object that was to be connected.
    """

    # The defaults are for copy and pickle, which pass the message only.
    def __init__(self, message: str, receiver: object = None) -> None:
        super().__init__(message)
        self.receiver = receiver


class NotCallableError(ReceiverError, TypeError):
    """The receiver is not callable."""


class SignatureError(ReceiverError, ValueError):
    """The receiver cannot accept the call that a send makes."""


class WeakReferenceError(ReceiverError, TypeError):
    """The receiver cannot be held weakly, because of its type."""


class SenderError(ClarionError, TypeError):
    """A sender that cannot be routed.

    Attributes:
        sender: the object that was given as the sender.
    """

    def __init__(self, message: str, sender: object = None) -> None:
        super().__init__(message)
        self.sender = sender


class ArgumentError(ClarionError, TypeError):
    """Arguments that are unknown, missing or wrong.

    Attributes:
        names: the names of the culprits, sorted.
    """

    def __init__(self, message: str, names: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.names = tuple(sorted(names))


class DeclarationError(ClarionError, TypeError):
    """The signature of a function under @signal cannot declare a signal."""


class RunningLoopError(ClarionError, RuntimeError):
    """A send() with async receivers inside a running event loop.

    Attributes:
        receivers: the names of the receivers that would have to be awaited.
    """

    def __init__(self, message: str, receivers: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.receivers = tuple(receivers)


class NoLoopError(ClarionError, RuntimeError):
    """An asend() that needs threads or tasks, awaited outside an event loop of asyncio."""


class MissingExtraError(ClarionError, ModuleNotFoundError):
    """A package that an integration needs is missing, too old or incomplete.

    Attributes:
        name: the package, as Python imports it.
        extra: the extra of Clarion that installs it.
    """

    def __init__(self, message: str, name: str | None = None, extra: str = "") -> None:
        super().__init__(message, name=name)
        self.extra = extra

    @classmethod
    def of(cls, name: str, extra: str, *, needed_by: str = "") -> MissingExtraError:
        """Create the error for a package, with the command that installs it."""
        message = (
            f"{needed_by or _module_of(extra)} needs {name}, which is not installed. "
            f"{_pip_line(extra)}"
        )
        return cls(message, name, extra)

    @classmethod
    def because(
        cls, error: ImportError, name: str, extra: str, *, needed_by: str = ""
    ) -> MissingExtraError:
        """Create the error for a failed import: the package is missing, or broken."""
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == name
        if is_missing or not _is_installed(name):
            return cls.of(name, extra, needed_by=needed_by)
        return cls.incomplete(name, extra, error, needed_by=needed_by)

    @classmethod
    def too_old(cls, name: str, extra: str, oldest: str, installed: str) -> MissingExtraError:
        """Create the error for an old version, with the command that upgrades it."""
        message = (
            f"{_module_of(extra)} needs {name} {oldest} or later; {installed} is installed. "
            f"{_pip_line(extra)}"
        )
        return cls(message, name, extra)

    @classmethod
    def incomplete(
        cls, name: str, extra: str, reason: object, *, needed_by: str = ""
    ) -> MissingExtraError:
        """Create the error for a broken package, with the command that repairs it."""
        message = (
            f"{needed_by or _module_of(extra)} cannot use {name} as it is installed: {reason}. "
            f"{_pip_line(extra)}"
        )
        return cls(message, name, extra)


def _is_installed(name: str) -> bool:
    # The failed import may be that of another package, which comes first.
    modules: Any = sys.modules
    if name in modules:
        return modules[name] is not None  # None hides a package
    from importlib.util import find_spec

    return find_spec(name) is not None


def _module_of(extra: str) -> str:
    return f"clarion.integrations.{extra}"


def _pip_line(extra: str) -> str:
    return (
        f"Run: pip install 'clarion-signals[{extra}]', or in a checkout of Clarion: "
        f"pip install '.[{extra}]'"
    )


class EndlessFlushError(ClarionError, RuntimeError):
    """Receivers of a flush change objects each time that they are called.

    Attributes:
        classes: the names of the classes of the objects in the last flush.
    """

    def __init__(self, message: str, classes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.classes = tuple(classes)


class BoundaryError(ClarionError, LookupError):
    """No transaction has the alias that a receiver waits for."""


class TransactionError(ClarionError, RuntimeError):
    """A transaction that cannot begin or commit, or that other code has ended."""


class EndlessCommitError(ClarionError, RuntimeError):
    """Receivers that run after commits cause each other endlessly.

    Attributes:
        receivers: the names of the receivers in the cycle, each with its signal.
    """

    def __init__(self, message: str, receivers: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.receivers = tuple(receivers)


class EncodingError(ClarionError, TypeError):
    """A value that cannot be stored with a send, because it would not come back as it is.

    Attributes:
        signal: the name of the signal; empty if the value belongs to none.
        keyword: the keyword of the send, or the name of the header.
        path: where in the keyword's value the culprit is, such as `items[2]`.
    """

    def __init__(self, message: str, signal: str = "", keyword: str = "", path: str = "") -> None:
        super().__init__(message)
        self.signal = signal
        self.keyword = keyword
        self.path = path


class DecodingError(ClarionError, ValueError):
    """Stored data that cannot be read: it is damaged, or this program lacks a name in it.

    Attributes:
        signal: the name of the signal, if known.
    """

    def __init__(self, message: str, signal: str = "") -> None:
        super().__init__(message)
        self.signal = signal


class HandOverError(ClarionError, RuntimeError):
    """An engine that has not confirmed a call in time, or that would lose it.

    Attributes:
        receiver: the stable name of the receiver.
    """

    def __init__(self, message: str, receiver: str = "") -> None:
        super().__init__(message)
        self.receiver = receiver


class UnknownReceiverError(ClarionError, LookupError):
    """A background call for a receiver that this program has not connected.

    Attributes:
        receiver: the name of the receiver in the call.
        signal: the name of the signal.
    """

    def __init__(self, message: str, receiver: str = "", signal: str = "") -> None:
        super().__init__(message)
        self.receiver = receiver
        self.signal = signal


class NotSentError(ClarionError, AssertionError):
    """No captured send matches the assertion."""


class SenderWarning(UserWarning):
    """A sender that `connect` accepted, and that no send has."""


class ReceiverWarning(UserWarning):
    """A receiver that `connect` of a Django signal accepted, and whose code no send runs."""


class ConnectWarning(UserWarning):
    """A `connect` that changes nothing, because its receiver or `dispatch_uid` is connected already.

    It is emitted if the second `connect` has another receiver, or other options. `@receiver` emits it, too,
    if an earlier function of the same name stays connected.
    """


class Retry(ClarionError):  # noqa: N818  # it is a request of the receiver
    """A receiver whose delivery is stored raises it to be called again later.

        raise Retry(after=60)

    It counts as a failure: after as many retries as its delivery allows, it is given up.

    Args:
        message: why, for the people who read the log.
        after: how long to wait, in seconds or as a `timedelta`; by default as long as after another
            exception.

    Attributes:
        after: how long to wait, in seconds, or None.

    Raises:
        ArgumentError: if the message is no text, such as the seconds in `Retry(60)`.
    """

    def __init__(
        self,
        message: str = "The receiver asked to be called again.",
        *,
        after: float | timedelta | None = None,
    ) -> None:
        given: Any = message
        if not isinstance(given, str):
            raise ArgumentError(
                f"Retry was given a message of type {type(given).__name__}. Give the seconds by name: "
                f"Retry(after=...).",
                ["message"],
            )
        super().__init__(message)
        duration: Any = after  # without an import of its class
        self.after: float | None = (
            duration.total_seconds() if hasattr(duration, "total_seconds") else duration
        )


class Reject(ClarionError):  # noqa: N818  # it is a request of the receiver
    """A receiver whose delivery is stored raises it to have it given up at once.

        raise Reject("the address does not exist")

    The delivery is kept as dead, for a person to see. It is not tried again.

    Args:
        reason: why, for the person who reads it.
    """

    def __init__(self, reason: str = "The receiver rejected the delivery.") -> None:
        super().__init__(reason)
