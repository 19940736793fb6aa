"""What Clarion refuses, and why.

    ClarionError
    ├── ReceiverError              a receiver that connect() cannot take
    │   ├── NotCallableError           also a TypeError, as Django 6.1 raises
    │   ├── SignatureError             also a ValueError, as Django 6.1 raises
    │   └── WeakReferenceError         also a TypeError
    ├── SenderError                a sender that connect() cannot route; also a TypeError
    ├── ArgumentError              an argument nobody knows; also a TypeError
    ├── DeclarationError           a function that cannot declare a signal; also a TypeError
    ├── RunningLoopError           a send() that would have to await; also a RuntimeError
    ├── NoLoopError                an asend() outside asyncio; also a RuntimeError
    ├── MissingExtraError          a package that is missing or too old; also a ModuleNotFoundError
    ├── EndlessFlushError          a flush that its receivers never let end; also a RuntimeError
    ├── BoundaryError              an alias of no database, nor of a block; also a LookupError
    ├── TransactionError           one that cannot be begun, or committed; also a RuntimeError
    ├── EndlessCommitError         receivers after a commit that go round; also a RuntimeError
    └── NotSentError               assert_sent() found no such send; also an AssertionError

Every message is a sentence that names the culprit and a sentence that says what to
do. What the message tells is on the exception as attributes too. An exception that a
receiver raises is never wrapped: it travels on as it is, with a note.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class ClarionError(Exception):
    """The base of all errors that Clarion raises."""


class ReceiverError(ClarionError):
    """A receiver that cannot be connected.

    Attributes:
        receiver: the object that was to be connected.
    """

    # The defaults are for copy and pickle, which know only the message at first.
    def __init__(self, message: str, receiver: object = None) -> None:
        super().__init__(message)
        self.receiver = receiver


class NotCallableError(ReceiverError, TypeError):
    """The receiver is not callable."""


class SignatureError(ReceiverError, ValueError):
    """The receiver cannot accept the call that a send makes."""


class WeakReferenceError(ReceiverError, TypeError):
    """The receiver was to be held weakly, and its type does not allow that."""


class SenderError(ClarionError, TypeError):
    """A sender that cannot be routed.

    Attributes:
        sender: the object that was given as the sender.
    """

    def __init__(self, message: str, sender: object = None) -> None:
        super().__init__(message)
        self.sender = sender


class ArgumentError(ClarionError, TypeError):
    """Arguments that nobody knows, or that are missing.

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
    """An asend() that needs threads or tasks, awaited by no event loop of asyncio's."""


class MissingExtraError(ClarionError, ModuleNotFoundError):
    """A package that an integration needs is not installed, or is too old.

    Attributes:
        name: the package, as Python imports it.
        extra: the extra of Clarion that installs it.
    """

    def __init__(self, message: str, name: str | None = None, extra: str = "") -> None:
        super().__init__(message, name=name)
        self.extra = extra

    @classmethod
    def of(cls, name: str, extra: str) -> MissingExtraError:
        """Say which package is missing, and what to type."""
        message = (
            f"clarion.integrations.{extra} needs {name}, which is not installed. {_pip_line(extra)}"
        )
        return cls(message, name, extra)

    @classmethod
    def too_old(cls, name: str, extra: str, oldest: str, installed: str) -> MissingExtraError:
        """Say which version is installed, which is needed, and what to type."""
        message = (
            f"clarion.integrations.{extra} needs {name} {oldest} or later; {installed} is installed. "
            f"{_pip_line(extra)}"
        )
        return cls(message, name, extra)


def _pip_line(extra: str) -> str:
    return (
        f"Run: pip install 'clarion-signals[{extra}]', or in a checkout of Clarion: "
        f"pip install '.[{extra}]'"
    )


class EndlessFlushError(ClarionError, RuntimeError):
    """Receivers of a flush have more to be written each time that they are called.

    Attributes:
        classes: the names of the classes that the last round was about.
    """

    def __init__(self, message: str, classes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.classes = tuple(classes)


class BoundaryError(ClarionError, LookupError):
    """No transaction is known by the alias that a receiver is to wait for."""


class TransactionError(ClarionError, RuntimeError):
    """A transaction that cannot be begun, has nothing left to commit, or ends without telling."""


class EndlessCommitError(ClarionError, RuntimeError):
    """Receivers that run after a commit have one another run, without end.

    Attributes:
        receivers: the names of those that go round, each with its signal.
    """

    def __init__(self, message: str, receivers: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.receivers = tuple(receivers)


class NotSentError(ClarionError, AssertionError):
    """No captured send is like the one that was asserted."""
