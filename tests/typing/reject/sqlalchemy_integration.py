"""Receivers that SQLAlchemy's model signals could not call."""

from typing import Any

from clarion import receiver
from clarion.changes import Changes
from clarion.integrations.sqlalchemy import m2m_changed, post_save, pre_save


def misspelt(sender: type[Any], instnace: Any) -> None:
    """Require a keyword that is not sent."""


def of_text(sender: type[Any], instance: Any, created: str, **kwargs: Any) -> None:
    """Require text where a flag is sent."""


def asks(instance: Any, changes: Changes, **kwargs: Any) -> str:
    """Request the changes."""
    return ""


def misspelt_too(instnace: Any, changes: Changes, **kwargs: Any) -> None:
    """Misspell a keyword, and request the changes."""


@receiver(pre_save)  # E: misspelt changes
def of_chnages(instance: Any, chnages: Changes, **kwargs: Any) -> None: ...


@receiver(post_save)  # E: misspelt keyword, beside the changes
def of_instnace(instnace: Any, changes: Changes, **kwargs: Any) -> None: ...


@receiver(post_save)  # E: created is a flag, beside the changes
async def of_created(created: str, changes: Changes, **kwargs: Any) -> None: ...


@receiver(pre_save)  # E: changes are no text
def of_text_changes(instance: Any, changes: str, **kwargs: Any) -> None: ...


@receiver(pre_save)  # E: lacks keywords
def lacks(instance: Any, changes: Changes) -> None: ...


@receiver(pre_save)  # E: nothing is created yet
def created_before(instance: Any, created: bool, changes: Changes, **kwargs: Any) -> None: ...


@receiver(m2m_changed)  # E: nothing changes
def linked(instance: Any, changes: Changes, **kwargs: Any) -> None: ...


@receiver(pre_save)  # E: only a delivery gives a session
def in_session(instance: Any, session: Any, **kwargs: Any) -> None: ...


@receiver(pre_save, prioritty=1)  # E: misspelt option
def with_option(instance: Any, changes: Changes, **kwargs: Any) -> None: ...


@receiver(pre_save)
def saved(instance: int, changes: Changes, **kwargs: Any) -> str:
    return ""


saved("1", Changes({}))  # E: wrong type
saved(1)  # E: no changes
number: int = saved(1, Changes({}))  # E: it returns text

pre_save.connect(misspelt_too)  # E: no such keyword, beside the changes
m2m_changed.connect(asks)  # E: nothing changes
post_save.connect(asks, delivery="on_commit")  # E: no delivery
post_save.connect(asks, prioritty=1)  # E: misspelt option
post_save.connect(misspelt)  # E: no such keyword
post_save.connect(of_text)  # E: created is a flag
pre_save.send(sender=object, instance=1)  # E: sessions send it
with pre_save.connected(misspelt_too):  # E: no such keyword, in a block
    pass
