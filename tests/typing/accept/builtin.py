"""Receivers of the built-in signals, in a strictly checked program."""

from collections.abc import Awaitable, Callable
from typing import Any, assert_type

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from jinja2 import Template
from pydantic_settings import BaseSettings

from clarion import Signal, receiver, signal
from clarion.integrations.asgi import SignalMiddleware
from clarion.integrations.sqlalchemy import (
    class_prepared,
    connection_created,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)
from clarion.signals import (
    Environ,
    Request,
    Scope,
    got_request_exception,
    post_migrate,
    pre_migrate,
    request_finished,
    request_started,
    setting_changed,
    template_rendered,
)


class Order:
    """A mapped class."""


class Settings(BaseSettings):
    """Settings."""


# Models.


@receiver(class_prepared)
def prepared(sender: type[Any], **kwargs: Any) -> None:
    """Receive a class."""


@receiver(pre_init, sender=Order)
def before_init(
    sender: type[Order], args: tuple[Any, ...], kwargs: dict[str, Any], **rest: Any
) -> None:
    """Receive the arguments of a new instance."""


@receiver(post_init, sender=Order)
def after_init(sender: type[Order], instance: Order, **kwargs: Any) -> None:
    """Receive an instance."""


@receiver(pre_save, sender=Order)
async def before_save(sender: type[Order], instance: Order, using: str, **kwargs: Any) -> None:
    """Receive a save, in a coroutine."""


@receiver(post_save, sender=Order)
def after_save(sender: type[Order], instance: Order, created: bool, **kwargs: Any) -> None:
    """Receive a save."""


@receiver(post_save, sender=Order)
def after_save_all(
    *,
    sender: type[Order],
    instance: Any,
    created: bool,
    update_fields: frozenset[str] | None,
    raw: bool,
    using: str,
) -> int:
    """Accept exactly the keywords of the send, and return a response."""
    return 1


@receiver(post_save)
@receiver(pre_save)
def saved(instance: Any, **kwargs: Any) -> str:
    """Receive two signals."""
    return ""


@receiver(pre_delete, sender=Order)
@receiver(post_delete, sender=Order)
def deleted(sender: type[Order], instance: Order, origin: object, **kwargs: Any) -> None:
    """Receive a deletion."""


@receiver(m2m_changed)
async def changed(
    signal: Any, sender: Any, action: str, pk_set: set[int] | None, **kwargs: Any
) -> None:
    """Request the signal too."""


@receiver(post_delete)
def deleted_by(
    signal: Signal, *, sender: type[Order], instance: Order, using: str, origin: Any
) -> int:
    """Accept exactly the keywords of the send, and the signal."""
    return 1


@receiver(connection_created)
def connected(sender: object, connection: Any, **kwargs: Any) -> None:
    """Receive a connection."""


# Requests, settings, templates, migrations.


@receiver(request_started)
def started(
    sender: type[SignalMiddleware], environ: Environ | None, scope: Scope | None, **kwargs: Any
) -> None:
    """Receive a request."""


@receiver(request_started)
async def started_somewhere(scope: Scope | None, **kwargs: Any) -> None:
    """Accept the sender among the keywords."""


@receiver(request_finished, sender=SignalMiddleware)
def finished(**kwargs: Any) -> None:
    """Accept keywords only."""


@receiver(request_finished)
def finished_by(sender: type[object]) -> None:
    """Accept exactly the keywords of the send."""


@receiver(got_request_exception)
async def failed(sender: None, request: Request, **kwargs: Any) -> None:
    """Receive an exception."""


@receiver(setting_changed, sender=Settings)
def set_anew(sender: type[Settings], setting: str, value: Any, enter: bool, **kwargs: Any) -> None:
    """Receive a setting."""


@receiver(setting_changed)
def set_precisely(sender: Any, setting: str, value: bool, enter: bool) -> None:
    """Declare the type of the setting."""


@receiver(template_rendered)
def rendered(sender: Template, template: Template, context: Any, **kwargs: Any) -> None:
    """Receive a template."""


@receiver(template_rendered)
def rendered_any(sender: Any, template: Any, context: Any) -> None:
    """Accept anything."""


@receiver(pre_migrate)
@receiver(post_migrate)
def migrated(
    sender: Config, plan: list[tuple[Any, bool]], using: str, apps: MigrationContext, **kwargs: Any
) -> None:
    """Receive migrations."""


# The functions keep their types: optional parameters are still optional.

after_save(Order, Order(), created=True)
deleted(sender=Order, instance=Order(), origin=None)
assert_type(saved(Order(), raw=False), str)
awaited: Awaitable[None] = before_save(Order, Order(), "default", raw=False)
started_later: Awaitable[None] = started_somewhere(None)
finished()
set_anew(Settings, "debug", 1, enter=True)
rendered_any(None, template=None, context=None)
hearing: Callable[[type[Order], Order, bool], None] = after_save
one: int = after_save_all(
    sender=Order, instance=1, created=True, update_fields=None, raw=False, using="default"
)

post_save.connect(after_save, sender=Order)
setting_changed.connect(set_anew)
pre_migrate.disconnect(migrated)


# The same holds for every declared signal with an Any.


@signal
def noted(sender: Any, *, about: Any, number: int = 0) -> None:
    """A note was written."""


@receiver(noted)
def note(sender: object, about: Order, **kwargs: Any) -> list[int]:
    """Narrow it."""
    return []


@receiver(noted)
async def note_later(sender: Any, about: Any, number: int = 0) -> list[int]:
    """Narrow nothing."""
    return []


noted.send(Order, about=Order())
assert_type(note(None, Order(), anything=1), list[int])


async def notes() -> list[int]:
    """Await the receiver itself."""
    return await note_later(None, about=1)
