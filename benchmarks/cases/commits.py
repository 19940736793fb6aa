"""A transaction with one `on_commit` receiver, and with the framework's own hook.

Each runs in a separate process, as in `django_save`, on a database in memory. The transaction
writes nothing, because writes would hide the cost of the call.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.cases import Case, Pair
from benchmarks.cases.django_save import Worker, response
from benchmarks.peers import Clarion
from benchmarks.timing import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers import Library
    from benchmarks.timing import Run


def committing(where: str, libraries: Sequence[Library]) -> list[Pair]:
    """Commit with one receiver, and with the framework's hook or a plain call."""
    return [
        Pair(
            each.name,
            Worker(f"{where}-receiver", each.environment, "commits").run,
            Worker(f"{where}-hook", each.environment, "commits").run,
        )
        for each in libraries
        if isinstance(each, Clarion)
    ]


def on_atomic(receive: Callable[..., Any], *, by_hook: bool) -> Run:
    """Commit an `atomic()` block; the baseline is a call after the block."""
    from clarion.commit import atomic

    if by_hook:
        return statement("with atomic(): pass\nreceive()", atomic=atomic, receive=receive)
    return statement(
        "with atomic(): send(None, order_id=1)", atomic=atomic, send=connected(receive).send
    )


def on_django(receive: Callable[..., Any], *, by_hook: bool) -> Run:
    """Commit a Django transaction."""
    conf, django = import_module("django.conf"), import_module("django")
    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    conf.settings.configure(DATABASES={"default": memory})
    django.setup()
    transaction = import_module("django.db.transaction")
    if by_hook:
        return statement(
            "with atomic(): on_commit(receive)",
            atomic=transaction.atomic,
            on_commit=transaction.on_commit,
            receive=receive,
        )
    return statement(
        "with atomic(): send(None, order_id=1)",
        atomic=transaction.atomic,
        send=connected(receive).send,
    )


def on_session(receive: Callable[..., Any], *, by_hook: bool) -> Run:
    """Commit a SQLAlchemy session."""
    sqlalchemy, orm = import_module("sqlalchemy"), import_module("sqlalchemy.orm")
    engine = sqlalchemy.create_engine("sqlite://")
    opened = partial(orm.Session, engine)
    if by_hook:
        return statement(
            "with opened() as session:\n"
            "    session.begin()\n"
            "    listen(session, 'after_commit', receive)\n"
            "    session.commit()",
            opened=opened,
            listen=sqlalchemy.event.listen,
            receive=lambda session: receive(),
        )
    return statement(
        "with opened() as session:\n"
        "    session.begin()\n"
        "    send(None, order_id=1, session=session)\n"
        "    session.commit()",
        opened=opened,
        send=connected(receive).send,
    )


def connected(receive: Callable[..., Any]) -> Any:
    """Make a signal with one on_commit receiver."""
    from clarion import Signal, on_commit

    signal = Signal()
    signal.connect(receive, delivery=on_commit)
    return signal


PLACES = {"atomic": on_atomic, "django": on_django, "session": on_session}


def main(state: str) -> None:
    """Answer requests until the input ends."""
    where, _, how = state.partition("-")
    calls = 0

    def receive(**named: object) -> None:
        # It counts in both cases, because a framework can be set up only once per process.
        nonlocal calls
        calls += 1

    try:
        run = PLACES[where](receive, by_hook=how == "hook")
        run(1)
    except (ImportError, AttributeError) as error:
        print(json.dumps(str(error)), flush=True)
        return
    if calls == 1:
        response(run)
    else:
        print(json.dumps(f"the receiver is called {calls} times"), flush=True)


CASES = [
    Case(
        "commit with 1 on_commit receiver, atomic()",
        "a call after the block",
        None,
        partial(committing, "atomic"),
    ),
    Case(
        "commit with 1 on_commit receiver, Django",
        "transaction.on_commit",
        None,
        partial(committing, "django"),
    ),
    Case(
        "commit with 1 on_commit receiver, Session",
        "a listener of after_commit",
        None,
        partial(committing, "session"),
    ),
]

if __name__ == "__main__":
    main(sys.argv[1])
