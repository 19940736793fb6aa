"""Transaction providers: how the boundaries of a framework are found.

This module names the integrations that provide transactions, and imports each by its name
once its framework is loaded. It is the one module that imports from a higher layer, because
a program that uses a framework need not import Clarion's integration.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from contextlib import asynccontextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from clarion.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from contextlib import AbstractContextManager

    from clarion._core.signal import Signal
    from clarion.commit.boundary import Boundary

FRAMEWORKS = {
    "sqlalchemy.orm": "clarion.integrations.sqlalchemy.hooks",
    "django.db": "clarion.integrations.django.commit.provider",
}
"""The module of a framework, and the integration that registers a provider for it."""

_imported: set[str] = set()
_module_count = 0  # the number of loaded modules at the last search


class TransactionProvider:
    """Finds the boundaries of one framework. Derive from it, and call `register_provider`.

    Each method has a default, which finds nothing.
    """

    def install_listeners(self) -> None:
        """Begin to listen for commits and rollbacks.

        It is called once, when the first receiver is connected with `on_commit`.
        """

    def boundary_of_send(
        self,
        signal: Signal,  # noqa: ARG002
        arguments: dict[str, Any],  # noqa: ARG002
    ) -> tuple[Boundary, str] | None:
        """Return the boundary that a send names.

        Args:
            signal: the signal.
            arguments: the keywords of the send, such as `session` or `instance`.

        Returns:
            The boundary, and the reason in a few words; None if the send names none of this
            framework.
        """
        return None

    def boundary_of_alias(self, alias: str) -> Boundary | None:  # noqa: ARG002
        """Return the boundary with this alias, which `using=` names; None if none has it."""
        return None

    def default_boundary(self) -> tuple[Boundary, str] | None:
        """Return the boundary of sends that name none, and the reason; None if there is no default."""
        return None

    def default_transaction(self) -> str | None:
        """Return how messages name the open transaction of this context; None if none is open.

        It is that of a session bound to the context, or of the default boundary. It is called when a block
        without a connection begins and ends, to warn of it. A transaction that a test opens around itself
        does not count.
        """
        return None

    def uncommitted_keyword(self, arguments: dict[str, Any]) -> str | None:  # noqa: ARG002
        """Return the keyword of a send whose object is not committed yet, or None.

        It is called for sends whose receivers wait for no transaction of a database, to warn of them.
        """
        return None

    def outbox_databases(self) -> Sequence[Any]:
        """Return the databases to which code in this context stores its durable deliveries.

        `clarion.testing.drain` makes the deliveries there. Each is a `clarion.outbox.Database`
        whose connections see what this context has not committed.
        """
        return ()

    async def aoutbox_databases(self) -> Sequence[Any]:
        """Return the same for a coroutine, for `clarion.testing.adrain`.

        A database may have `acall_sync(function)`. It is awaited, and calls a sync function in which
        `connect()` and `transaction()` can be used beside the running event loop.
        """
        return self.outbox_databases()

    def receiver_database(self, alias: str | None) -> Any:  # noqa: ARG002
        """Return the database to which background receivers write, or None.

        It is a `clarion.outbox.Database`.

        Args:
            alias: the alias that the receiver was connected with; None for the default one.
        """
        return None

    async def areceiver_database(self, alias: str | None) -> Any:
        """Return the same for a coroutine, for `clarion.testing.adrain`."""
        return self.receiver_database(alias)

    def ignore_outer(self) -> AbstractContextManager[object]:
        """Return a context manager in which transactions that are open now count as absent.

        `clarion.testing.commits` enters it, so that a test that is rolled back sees commits.
        """
        return nullcontext()

    @asynccontextmanager
    async def aignore_outer(self) -> AsyncGenerator[None]:
        """Do the same in a coroutine, also for the transactions that it has begun in another thread."""
        with self.ignore_outer():
            yield


class ClosedProvider(TransactionProvider):
    """A replacement for the provider of a framework that its integration cannot use.

    A send that names a session, an instance or a model of the framework is refused. Other
    sends ignore the framework.

    Args:
        package: the framework's top-level package.
        error: the reason, which is an attribute too.
    """

    def __init__(self, package: str, error: MissingExtraError) -> None:
        self._package = package
        self.error = error

    def boundary_of_send(self, signal: Signal, arguments: dict[str, Any]) -> None:  # noqa: ARG002
        """Refuse a send that names an object of the framework.

        Raises:
            MissingExtraError: if the send names one.
        """
        if any(self._owns(arguments.get(name)) for name in ("session", "instance", "sender")):
            raise MissingExtraError(str(self.error), self.error.name, self.error.extra)

    def default_boundary(self) -> None:
        """Warn that a Django program's receivers do not wait for its default database."""
        conf = sys.modules.get(f"{self._package}.conf")
        if conf is not None and conf.settings.configured:
            warnings.warn(
                f"Receivers do not wait for the commit of Django's default database. {self.error}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _owns(self, value: object) -> bool:
        kind = value if isinstance(value, type) else type(value)
        # A mapped class of SQLAlchemy 1.4 may have no base class of SQLAlchemy.
        state: object = getattr(value, "_sa_instance_state", None)
        classes = (*kind.__mro__, type(state))
        return any(each.__module__.partition(".")[0] == self._package for each in classes)


_new: deque[TransactionProvider] = deque()
_providers: list[TransactionProvider] = []


def register_provider(provider: TransactionProvider) -> None:
    """Add a provider, which every later send with `on_commit` receivers consults."""
    _new.append(provider)


def providers() -> list[TransactionProvider]:
    """Return the providers, after importing the integrations of frameworks loaded since."""
    global _module_count  # noqa: PLW0603
    if len(sys.modules) != _module_count:
        for framework, module in FRAMEWORKS.items():
            if framework in sys.modules and framework not in _imported:
                _import_integration(framework.partition(".")[0], module)
                _imported.add(framework)
        _module_count = len(sys.modules)
    while _new:
        # Listeners first: a thread that finds the provider in the list can rely on them.
        _new[0].install_listeners()
        _providers.append(_new.popleft())
    return _providers


def _import_integration(package: str, module: str) -> None:
    # A program that only has the framework installed must not fail here.
    try:
        import_module(module)
    except MissingExtraError as error:
        register_provider(ClosedProvider(package, error))
    except ImportError as error:
        missing = error.name or ""
        if missing.startswith("clarion.integrations"):
            closed = MissingExtraError(
                f"The program was bundled without {missing}. Add clarion.integrations to the hidden "
                f"imports of the tool that bundles it.",
                package,
                package,
            )
        elif missing.partition(".")[0] == package:
            closed = MissingExtraError.incomplete(package, package, error)
        else:
            raise
        register_provider(ClosedProvider(package, closed))
