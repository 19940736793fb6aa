"""Receivers that SQLAlchemy's model signals could not call."""

from typing import Any

from clarion.integrations.sqlalchemy import post_save, pre_save


def misspelt(sender: type[Any], instnace: Any) -> None:
    """Want what is never sent."""


def of_text(sender: type[Any], instance: Any, created: str, **kwargs: Any) -> None:
    """Want text where a flag is sent."""


post_save.connect(misspelt)  # E: no such keyword
post_save.connect(of_text)  # E: created is a flag
pre_save.send(sender=object, instance=1)  # E: sessions send it
