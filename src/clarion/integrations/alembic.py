"""Send pre_migrate and post_migrate around an upgrade or a downgrade of Alembic.

In env.py, around the migrations:

    with migrating(context), context.begin_transaction():
        context.run_migrations()

Install it with `pip install '.[alembic]'` in a checkout, or
`pip install 'clarion-signals[alembic]'` after the first release.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clarion.errors import MissingExtraError
from clarion.signals import post_migrate, pre_migrate

try:
    from alembic.runtime.migration import MigrationContext  # noqa: TC002 - checks that it is installed
except ImportError as error:
    raise MissingExtraError.because(error, "alembic", "alembic") from error

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["migrating", "post_migrate", "pre_migrate"]

# The commands that migrate, by the name of the function that finds their steps. The functions
# of other commands must not be called, because they print, or compare schemas.
_MIGRATE = {"upgrade.<locals>.upgrade", "downgrade.<locals>.downgrade"}


@contextmanager
def migrating(context: Any, *, using: str = "default") -> Generator[None]:
    """Send `pre_migrate` now, and `post_migrate` when the block ends without an exception.

    Only an upgrade and a downgrade of a database send the signals. `current`, `check`, `stamp`
    and `revision` run env.py as well, and so does `--sql`, which uses no database.

    The sender of both is Alembic's `Config`. Their keywords are:

    - `app_config`: the same `Config`;
    - `plan`: a list of pairs, the migration (Alembic's `Script`) and whether it goes
      backwards, in the order of their application; empty if the database is up to date;
    - `using`: the argument;
    - `apps`: the `MigrationContext`, whose `connection` reaches the database;
    - `verbosity`: 0 under `--quiet`, else 1;
    - `interactive`: False, because Alembic asks no questions;
    - `stdout`: the file that Alembic prints to.

    Receivers of `pre_migrate` write in the migration's transaction. The writes of receivers of
    `post_migrate` are committed when all receivers have returned.

    Args:
        context: `alembic.context`, after `configure`.
        using: the name of the database, for programs that have several.

    As in Django 6.1, except that each signal is sent once for all migrations, not for each app.
    """
    migration: MigrationContext = context.get_context()
    if migration.as_sql or not _has_listeners(context.config) or not _migrates(migration):
        yield
        return
    is_owned = migration.connection is not None and not _is_in_transaction(migration)
    keywords = _keywords(context.config)
    keywords |= {"using": using, "plan": _plan(migration)}
    if is_owned:
        _end(migration, commits=False)  # Alembic read the heads, and may begin its own transaction
    pre_migrate.send(sender=context.config, **keywords, apps=migration)
    yield
    try:
        post_migrate.send(sender=context.config, **keywords, apps=migration)
    except BaseException:
        if is_owned:
            _end(migration, commits=False)
        raise
    if is_owned:
        _end(migration, commits=True)


def _has_listeners(config: object) -> bool:
    return pre_migrate.has_listeners(config) or post_migrate.has_listeners(config)


def _migrates(migration: MigrationContext) -> bool:
    find_steps = migration.opts.get("fn")
    return getattr(find_steps, "__qualname__", None) in _MIGRATE


def _plan(migration: MigrationContext) -> list[tuple[Any, bool]]:
    steps = migration.opts["fn"](migration.get_current_heads(), migration)
    return [(step.revision, not step.is_upgrade) for step in steps]


def _keywords(config: Any) -> dict[str, Any]:
    return {
        "app_config": config,
        "verbosity": int(not getattr(config.cmd_opts, "quiet", False)),
        "interactive": False,
        "stdout": config.stdout,
    }


def _is_in_transaction(migration: MigrationContext) -> bool:
    connection = migration.connection
    return connection is not None and connection.in_transaction()


def _end(migration: MigrationContext, *, commits: bool) -> None:
    """End the transaction that a read or a receiver has begun."""
    connection: Any = migration.connection
    if _is_in_transaction(migration):
        (connection.commit if commits else connection.rollback)()
