"""The base of the commands of manage.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand

from clarion._core.commands import output_failures_end

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProcessCommand(BaseCommand):
    """A command that ends without a traceback if its output cannot be written."""

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run the command of the process."""
        with output_failures_end():
            super().run_from_argv(argv)  # type: ignore[arg-type]
