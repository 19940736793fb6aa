"""A plugin for mypy: `connect` of Django's signals takes Clarion's options, and is a decorator.

django-stubs declares the arguments that Django's own `connect` takes. Add the plugin to the
configuration of mypy, beside that of django-stubs if you use it:

    plugins = ["mypy_django_plugin.main", "clarion.integrations.mypy"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.nodes import ARG_NAMED_OPT, ARG_OPT, TypeInfo
from mypy.plugin import Plugin
from mypy.types import AnyType, Instance, TypeOfAny

from clarion.typing import PlainConnector

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.plugin import MethodSigContext
    from mypy.types import CallableType, FunctionLike, Type

__all__ = ["plugin"]

_CONNECTOR = f"{PlainConnector.__module__}.{PlainConnector.__qualname__}"

_METHODS = {
    "django.dispatch.dispatcher.Signal.connect",
    "django.db.models.signals.ModelSignal.connect",
}


class ClarionPlugin(Plugin):
    """Adds Clarion's options to the methods of django-stubs."""

    def get_method_signature_hook(
        self, fullname: str
    ) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Return the function that completes the signature of one of these methods."""
        return self._complete if fullname in _METHODS else None

    def _complete(self, context: MethodSigContext) -> FunctionLike:
        signature = self._as_decorator(context)
        options = {
            name: each
            for name, each in _options(context).items()
            if name not in signature.arg_names
        }
        return signature.copy_modified(  # pyright: ignore[reportUnknownMemberType]
            arg_names=[*signature.arg_names, *options],
            arg_types=[*signature.arg_types, *options.values()],
            arg_kinds=[*signature.arg_kinds, *[ARG_NAMED_OPT] * len(options)],
        )

    def _as_decorator(self, context: MethodSigContext) -> CallableType:
        """Return the signature of a call; without a receiver, that of a decorator."""
        signature = context.default_signature
        place = signature.arg_names.index("receiver")
        found = self.lookup_fully_qualified(_CONNECTOR)
        if context.args[place] or found is None or not isinstance(found.node, TypeInfo):
            return signature
        kinds = [*signature.arg_kinds]
        kinds[place] = ARG_OPT
        return signature.copy_modified(  # pyright: ignore[reportUnknownMemberType]
            arg_kinds=kinds, ret_type=Instance(found.node, [])
        )


def _options(context: MethodSigContext) -> dict[str, Type]:
    """Return the types of the options, by name."""
    number = context.api.named_generic_type("builtins.int", [])
    flag = context.api.named_generic_type("builtins.bool", [])
    return {
        "priority": number,
        "once": flag,
        "subclasses": flag,
        "inline": flag,
        "replace": flag,
        "delivery": AnyType(TypeOfAny.explicit),
    }


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001  # mypy calls it
    """Return the plugin, for mypy."""
    return ClarionPlugin
