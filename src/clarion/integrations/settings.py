"""Override pydantic settings for a block, and send setting_changed.

    with override_settings(settings, debug=True): ...

`setting_changed` is sent for each overridden setting, when the override begins and when it
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

from clarion._core.names import quoted_name
from clarion._core.unentered import Enterable
from clarion.errors import ArgumentError, MissingExtraError
from clarion.signals import setting_changed

try:
    # First, because this package is the one that is usually missing, and it needs pydantic.
    from pydantic_settings import BaseSettings  # noqa: TC002, I001 - checks that it is installed
    from pydantic import BaseModel
except ImportError as error:
    raise MissingExtraError.because(error, "pydantic_settings", "settings") from error

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["override_settings", "setting_changed"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class override_settings(Enterable):  # noqa: N801 - Django's name
    """Override settings in a block, or in a decorated function.

    It is a context manager for `with` and `async with`. It also decorates functions, methods,
    coroutine functions, and classes: of a class it decorates the methods named `test...`. An
    `async with` and a decorated coroutine function await the receivers.

    The settings object itself changes, in every thread. Use overrides in tests, and nest those
    that overlap. Values are not validated, as in `model_copy(update=...)`, and frozen settings
    can be overridden. Cached properties are computed again in the block, and have their former
    value after it.

    Args:
        settings: a `BaseSettings`, or a model that is a setting of one.
        overrides: the new values, by the name of the setting.

    Raises:
        ArgumentError: if there is no such setting, or if the decorated function is a generator.
        Exception: if a receiver raises. When the block begins, the settings are restored
            first. When it ends, all receivers are called, and the first exception is raised.

    As `django.test.override_settings` in Django 6.1, which has one settings object and does not
    name it.
    """

    def __init__(self, settings: BaseSettings | BaseModel, /, **overrides: Any) -> None:
        _check(settings, overrides)
        self._settings = settings
        self._overrides = overrides
        self._saved: list[_State] = []
        self.unentered = "override_settings(...)"

    def __enter__(self) -> Self:
        self._apply()
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
        self._apply()
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
        self.unentered = None
        if inspect.isgeneratorfunction(decorated) or inspect.isasyncgenfunction(decorated):
            raise ArgumentError(
                f"override_settings cannot decorate {decorated.__qualname__}, a generator, because "
                f"it would run after the override. Use a with block inside it."
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

    def _apply(self) -> None:
        self.unentered = None
        # A stack, because a decorated function may call itself.
        self._saved.append(_State(self._settings))
        fields = type(self._settings).model_fields
        for setting, value in self._overrides.items():
            home = _values if setting in fields else _extra
            home(self._settings)[setting] = value
            self._settings.model_fields_set.add(setting)

    def _restore(self) -> dict[str, Any]:
        """Restore the former values, and return them by name."""
        self._saved.pop().restore()
        return {setting: getattr(self._settings, setting, None) for setting in self._overrides}

    def _leave(self) -> list[Any]:
        responses: list[Any] = []
        for setting, value in self._restore().items():
            responses += setting_changed.send_robust(
                sender=self._sender, setting=setting, value=value, enter=False
            )
        return responses

    async def _aleave(self) -> list[Any]:
        responses: list[Any] = []
        for setting, value in self._restore().items():
            responses += await setting_changed.asend_robust(
                sender=self._sender, setting=setting, value=value, enter=False
            )
        return responses


class _State:
    """A copy of the settings; making it clears their cached properties."""

    def __init__(self, settings: BaseModel) -> None:
        self._settings = settings
        self._values = dict(settings.__dict__)
        self._extra = None if settings.model_extra is None else dict(settings.model_extra)
        self._set = set(settings.model_fields_set)
        for name in self._values.keys() - type(settings).model_fields.keys():
            del _values(settings)[name]

    def restore(self) -> None:
        """Restore the settings in place, because user code may hold the same dictionaries."""
        _refill(_values(self._settings), self._values)
        if self._extra is not None:
            _refill(_extra(self._settings), self._extra)
        self._settings.model_fields_set.clear()
        self._settings.model_fields_set.update(self._set)


def _refill(target: dict[str, Any], values: dict[str, Any]) -> None:
    target.clear()
    target.update(values)


def _values(settings: BaseModel) -> dict[str, Any]:
    # Not by assignment, which pydantic validates, and refuses for frozen settings.
    values: Any = settings.__dict__
    return values  # type: ignore[no-any-return]


def _extra(settings: BaseModel) -> dict[str, Any]:
    return settings.model_extra if settings.model_extra is not None else {}


def _raise_first(responses: list[tuple[Any, Any]]) -> None:
    for _, response in responses:
        if isinstance(response, Exception):
            raise response


def _check(settings: object, overrides: dict[str, Any]) -> None:
    """Refuse an object that is no model, and names that are no settings."""
    if not isinstance(settings, BaseModel):
        raise ArgumentError(
            f"override_settings was given an object of type {type(settings).__qualname__}, which is "
            f"no pydantic model. Pass the settings object first, then the settings by name.",
            ["settings"],
        )
    known = type(settings).model_fields
    unknown = [name for name in overrides if name not in known]
    if unknown and settings.model_extra is None:
        close = get_close_matches(unknown[0], known, n=1)
        cure = f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(known)}."
        raise ArgumentError(
            f"{type(settings).__name__} has no setting {quoted_name(unknown[0])}. {cure}", unknown
        )
