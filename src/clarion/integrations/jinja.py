"""Send template_rendered for each template that a Jinja environment renders.

    install(environment)

The signal is sent before each template is rendered, also before one that another template
extends or includes, as Django does in tests.

Install it with `pip install '.[jinja]'` in a checkout, or
`pip install 'clarion-signals[jinja]'` after the first release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.errors import MissingExtraError
from clarion.signals import template_rendered

try:
    from jinja2 import Environment  # noqa: TC002 - checks that it is installed
except ImportError as error:
    raise MissingExtraError.because(error, "jinja2", "jinja") from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["install", "is_installed", "template_rendered", "uninstall"]


def install(environment: Environment) -> None:
    """Make the templates of an environment send `template_rendered`.

    The environment's cache is cleared, so that all templates are loaded again. A second call
    does nothing. An overlay that is made later sends the signal too.

    The sender and `template` are the template; `context` is Jinja's. Without receivers, a
    rendering only checks for them. In an environment with `enable_async`, receivers are awaited.
    """
    if not is_installed(environment):
        kind = environment.template_class
        environment.template_class = type(
            kind.__name__, (SignallingTemplate, kind), {"__module__": __name__}
        )
        _clear_cache(environment)


def uninstall(environment: Environment) -> None:
    """Undo `install`; templates that the program still uses continue to send."""
    if is_installed(environment):
        _, kind = environment.template_class.__bases__
        environment.template_class = kind
        _clear_cache(environment)


def is_installed(environment: Environment) -> bool:
    """Return whether templates that the environment loads send the signal."""
    return issubclass(environment.template_class, SignallingTemplate)


def _clear_cache(environment: Environment) -> None:
    if environment.cache is not None:
        environment.cache.clear()


class SignallingTemplate:
    """A template that sends a signal before it is rendered.

    Every rendering reads `root_render_func`, the compiled function of a template. So does the
    rendering of another template that extends or includes it.
    """

    environment: Environment

    @property
    def root_render_func(self) -> Any:
        """The compiled function, or one that sends the signal first if a receiver is connected."""
        if not template_rendered.has_listeners(self):
            return self._render
        return self._asend_and_render if self.environment.is_async else self._send_and_render

    @root_render_func.setter
    def root_render_func(self, function: Any) -> None:
        self._render = function

    def _send_and_render(self, context: Any) -> Iterator[str]:
        template_rendered.send(sender=self, template=self, context=context)
        yield from self._render(context)

    async def _asend_and_render(self, context: Any) -> AsyncIterator[str]:
        await template_rendered.asend(sender=self, template=self, context=context)
        parts = self._render(context)
        try:
            async for part in parts:
                yield part
        finally:
            await parts.aclose()
