"""Receivers that the built-in signals could not call."""

from typing import Any

from clarion import receiver, signal
from clarion.integrations.sqlalchemy import m2m_changed, post_save
from clarion.signals import (
    Request,
    pre_migrate,
    request_finished,
    request_started,
    setting_changed,
    template_rendered,
)


@receiver(post_save)  # E: misspelt keyword
def misspelt(instnace: Any, **kwargs: Any) -> None: ...


@receiver(post_save)  # E: created is a flag
def of_text(sender: Any, instance: Any, created: str, **kwargs: Any) -> None: ...


@receiver(post_save)  # E: created is a flag, async
async def of_text_async(sender: Any, instance: Any, created: str, **kwargs: Any) -> None: ...


@receiver(post_save)  # E: created is a flag, with the signal
def of_text_with_signal(signal: Any, created: str, **kwargs: Any) -> None: ...


@receiver(m2m_changed)  # E: lacks keywords
def lacks(sender: Any, action: str) -> None: ...


@receiver(request_started)  # E: either may be None
def of_one_protocol(sender: Any, environ: dict[str, Any], scope: Any) -> None: ...


@receiver(request_finished)  # E: there is no request
def of_request(sender: Any, request: Request, **kwargs: Any) -> None: ...


@receiver(setting_changed)  # E: lacks a keyword
def lacks_enter(sender: Any, setting: str, value: Any) -> None: ...


@receiver(setting_changed)  # E: a name is text
def of_number(sender: Any, setting: int, value: Any, **kwargs: Any) -> None: ...


@receiver(template_rendered)  # E: misspelt keyword
def of_contexts(sender: Any, template: Any, contexts: Any, **kwargs: Any) -> None: ...


@receiver(pre_migrate)  # E: wrong plan
def of_steps(sender: Any, plan: list[str], **kwargs: Any) -> None: ...


@receiver(setting_changed, prioritty=1)  # E: misspelt option
def with_option(sender: Any, **kwargs: Any) -> None: ...




def lacks_value(sender: Any, setting: str, enter: bool) -> None: ...


def misspells(contxt: Any, **kwargs: Any) -> None: ...


setting_changed.connect(lacks_value)  # E: lacks a keyword
template_rendered.connect(misspells)  # E: misspelt keyword


# A receiver keeps its type.


@receiver(post_save)
def saved(instance: Any, created: bool, **kwargs: Any) -> str:
    return ""


saved(1, created="yes")  # E: wrong type
saved(created=True)  # E: no instance
number: int = saved(1, True)  # E: it returns text


# A declared signal with an Any is checked like any other.


@signal
def noted(sender: Any, *, about: Any, number: int) -> int:
    """A note was written."""
    raise NotImplementedError


@receiver(noted)  # E: lacks a keyword
def note(sender: Any, about: Any) -> int:
    return 1


@receiver(noted)  # E: wrong answer
def note_text(sender: Any, about: Any, **kwargs: Any) -> str:
    return ""


@receiver(noted)  # E: wrong answer, async
async def note_text_async(sender: Any, about: Any, number: int) -> str:
    return ""
