"""The Jinja door: an environment tells which templates it renders.

    install(environment)

From then on `template_rendered` is sent before each template is rendered, as Django does in
tests: also before one that another extends or includes.

Install it with `pip install '.[jinja]'` in a checkout, or
`pip install 'clarion-signals[jinja]'` after the first release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.errors import MissingExtraError
from clarion.signals import template_rendered

try:
    from jinja2 import Environment  # noqa: TC002 - looks whether it is there
except ImportError as error:
    raise MissingExtraError.of("jinja2", "jinja") from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["install", "is_installed", "template_rendered", "uninstall"]


def install(environment: Environment) -> None:
    """Have an environment send `template_rendered`, for templates that it has yet to load.

    Its cache is emptied, so that templates are loaded anew. Calling it again changes
    nothing. An overlay that is made later sends, too.

    Sender and `template` are the template, `context` is Jinja's. While nobody listens, a
    rendering costs a look whether somebody does. In an environment with `enable_async` the
    receivers are awaited.
    """
    if not is_installed(environment):
        kind = environment.template_class
        environment.template_class = type(kind.__name__, (Told, kind), {"__module__": __name__})
        _empty(environment)


def uninstall(environment: Environment) -> None:
    """Undo `install`; templates that are still held somewhere go on to send."""
    if is_installed(environment):
        _, kind = environment.template_class.__bases__
        environment.template_class = kind
        _empty(environment)


def is_installed(environment: Environment) -> bool:
    """Tell whether templates that the environment loads will send."""
    return issubclass(environment.template_class, Told)


def _empty(environment: Environment) -> None:
    if environment.cache is not None:
        environment.cache.clear()


class Told:
    """A template that tells when it is rendered.

    All renderings, those for a template that extends or includes this one too, ask a
    template for the function that its source was compiled to.
    """

    environment: Environment

    @property
    def root_render_func(self) -> Any:
        """The function, or, if somebody listens, one that tells them first."""
        if not template_rendered.has_listeners(self):
            return self._render
        return self._atell if self.environment.is_async else self._tell

    @root_render_func.setter
    def root_render_func(self, function: Any) -> None:
        self._render = function

    def _tell(self, context: Any) -> Iterator[str]:
        template_rendered.send(sender=self, template=self, context=context)
        yield from self._render(context)

    async def _atell(self, context: Any) -> AsyncIterator[str]:
        await template_rendered.asend(sender=self, template=self, context=context)
        parts = self._render(context)
        try:
            async for part in parts:
                yield part
        finally:
            await parts.aclose()
