"""The settings door: override pydantic settings for a while, and tell who depends on them.

    with override_settings(settings, debug=True): ...

Each overridden setting is told by `setting_changed`, when the override begins and when it
ends.

Install it with `pip install '.[settings]'` in a checkout, or
`pip install 'clarion-signals[settings]'` after the first release.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clarion.errors import ArgumentError, MissingExtraError
from clarion.signals import setting_changed

try:
    from pydantic import BaseModel
    from pydantic_settings import BaseSettings  # noqa: TC002 - looks whether it is there
except ImportError as error:
    raise MissingExtraError.of("pydantic_settings", "settings") from error

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["override_settings", "setting_changed"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

# What a setting is that was not there.
_ABSENT: Any = object()


class override_settings:  # noqa: N801 - Django's name
    """Override settings for the length of a block, or of a decorated function.

    It is a context manager, for `with` and `async with`, and a decorator for functions,
    methods, coroutine functions, and for classes, whose methods named `test...` it
    decorates. An `async with`, and a decorated coroutine function, await the receivers.

    The object itself is changed, for everybody who has it, in every thread; so overrides
    are for tests, and those that overlap must be nested. Values are taken as they are given,
    as `model_copy(update=...)` takes them, also by frozen settings. Cached properties are
    computed anew in the block, and have their former value afterwards.

    Args:
        settings: the object, a `BaseSettings` or a model that one has as a setting.
        overrides: the settings by name, each with its new value.

    Raises:
        ArgumentError: if there is no such setting, or what is decorated would run when the
            override is over.
        Exception: what a receiver raises when the block begins, once everything is as it
            was; what the first one raises when it ends, once all have been told.

    As `django.test.override_settings` in Django 6.1. Django has one object for all settings,
    so there it is not named.
    """

    def __init__(self, settings: BaseSettings | BaseModel, /, **overrides: Any) -> None:
        _check(settings, overrides)
        self._settings = settings
        self._overrides = overrides
        self._saved: list[_State] = []

    def __enter__(self) -> Self:
        self._put()
        try:
            for setting, value in self._overrides.items():
                setting_changed.send(sender=self._sender, setting=setting, value=value, enter=True)
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _raise_first(self._leave())

    async def __aenter__(self) -> Self:
        self._put()
        try:
            for setting, value in self._overrides.items():
                await setting_changed.asend(
                    sender=self._sender, setting=setting, value=value, enter=True
                )
        except BaseException:
            await self._aleave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _raise_first(await self._aleave())

    def __call__(self, decorated: Decorated) -> Decorated:
        """Decorate a function or a class."""
        if inspect.isgeneratorfunction(decorated) or inspect.isasyncgenfunction(decorated):
            raise ArgumentError(
                f"override_settings cannot decorate {decorated.__qualname__}, a generator, which "
                f"would run when the override is over. Use it in a with block inside."
            )
        if isinstance(decorated, type):
            self._decorate_tests(decorated)
            return cast("Decorated", decorated)
        is_async = inspect.iscoroutinefunction(decorated)
        around: Decorated = (self._around_await if is_async else self._around)(decorated)
        return around

    def _decorate_tests(self, tests: type) -> None:
        for name in dir(tests):
            function = inspect.getattr_static(tests, name)
            if name.startswith("test") and inspect.isfunction(function):
                setattr(tests, name, self(function))

    def _around(self, function: Any) -> Any:
        @wraps(function)
        def overriding(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return overriding

    def _around_await(self, function: Any) -> Any:
        @wraps(function)
        async def overriding(*args: Any, **kwargs: Any) -> Any:
            async with self:
                return await function(*args, **kwargs)

        return overriding

    @property
    def _sender(self) -> type[BaseModel]:
        return type(self._settings)

    def _put(self) -> None:
        # A stack, for a decorated function may call itself.
        self._saved.append(_State(self._settings))
        fields = type(self._settings).model_fields
        for setting, value in self._overrides.items():
            home = _values if setting in fields else _extra
            home(self._settings)[setting] = value
            self._settings.model_fields_set.add(setting)

    def _restore(self) -> dict[str, Any]:
        """Put the former values back, and return what receivers are to be told they are."""
        self._saved.pop().restore()
        return {setting: getattr(self._settings, setting, None) for setting in self._overrides}

    def _leave(self) -> list[Any]:
        answers: list[Any] = []
        for setting, value in self._restore().items():
            answers += setting_changed.send_robust(
                sender=self._sender, setting=setting, value=value, enter=False
            )
        return answers

    async def _aleave(self) -> list[Any]:
        answers: list[Any] = []
        for setting, value in self._restore().items():
            answers += await setting_changed.asend_robust(
                sender=self._sender, setting=setting, value=value, enter=False
            )
        return answers


class _State:
    """What settings are at one moment; taking it forgets their cached properties."""

    def __init__(self, settings: BaseModel) -> None:
        self._settings = settings
        self._values = dict(settings.__dict__)
        self._extra = None if settings.model_extra is None else dict(settings.model_extra)
        self._set = set(settings.model_fields_set)
        for name in self._values.keys() - type(settings).model_fields.keys():
            del _values(settings)[name]

    def restore(self) -> None:
        """Put everything back, in place, for others hold the same dictionaries."""
        _refill(_values(self._settings), self._values)
        if self._extra is not None:
            _refill(_extra(self._settings), self._extra)
        self._settings.model_fields_set.clear()
        self._settings.model_fields_set.update(self._set)


def _refill(target: dict[str, Any], values: dict[str, Any]) -> None:
    target.clear()
    target.update(values)


def _values(settings: BaseModel) -> dict[str, Any]:
    # Past pydantic, which would validate an assignment, and refuse one to what is frozen.
    values: Any = settings.__dict__
    return values  # type: ignore[no-any-return]


def _extra(settings: BaseModel) -> dict[str, Any]:
    return settings.model_extra if settings.model_extra is not None else {}


def _raise_first(answers: list[tuple[Any, Any]]) -> None:
    for _, answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _check(settings: object, overrides: dict[str, Any]) -> None:
    """Refuse what is no model, and names that are no settings of it."""
    if not isinstance(settings, BaseModel):
        raise ArgumentError(
            f"override_settings was given {settings!r}, which is no pydantic model. "
            f"Give it the settings object first, then the settings by name.",
            ["settings"],
        )
    known = type(settings).model_fields
    unknown = [name for name in overrides if name not in known]
    if unknown and settings.model_extra is None:
        close = get_close_matches(unknown[0], known, n=1)
        cure = f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(known)}."
        raise ArgumentError(
            f"{type(settings).__name__} has no setting {unknown[0]!r}. {cure}", unknown
        )
