"""A command whose database may be an argument, too: `clarion outbox status sqlite:///shop.db`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from clarion.cli.imports import names_database

if TYPE_CHECKING:
    from collections.abc import Iterable


class DatabaseCommand(TyperCommand):
    """Takes an argument that names a database as the value of `--database`.

    If the command has no arguments of its own, its first argument is the database.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the database behind its option, and parse the rest."""
        has_own = any(each.param_type_name == "argument" for each in self.params)
        for index in self._arguments(args):
            if names_database(args[index]) or not has_own:
                rest = [*args[:index], *args[index + 1 :]]
                return super().parse_args(ctx, ["--database", args[index], *rest])
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the line of usage."""
        return [*super().collect_usage_pieces(ctx), "[URL]"]

    def _arguments(self, args: list[str]) -> Iterable[int]:
        """Yield the places of the arguments that are neither options nor their values."""
        with_value = {
            name
            for each in self.params
            if each.param_type_name == "option" and not getattr(each, "is_flag", False)
            for name in each.opts
        }
        is_value = False
        for index, text in enumerate(args):
            if not is_value and not text.startswith("-"):
                yield index
            is_value = not is_value and text in with_value
