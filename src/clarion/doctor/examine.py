"""examine: apply all rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clarion._core.names import quoted_name
from clarion.doctor import deferred, died, engines, middleware, stored, uids, unimported
from clarion.doctor.program import Program, package_of
from clarion.doctor.rules import default_packages, register_rule, rules
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from types import ModuleType

    from clarion.doctor.finding import Finding
    from clarion.doctor.rules import Rule
    from clarion.outbox.database import Database

for _rule in (
    died.dead_receivers,
    uids.shadowed_receivers,
    unimported.unimported_receivers,
    middleware.unwrapped_applications,
    engines.losing_engines,
    deferred.deferred_connections,
    stored.unusable_tables,
    stored.unknown_receivers,
):
    register_rule(_rule)


def examine(
    modules: Iterable[str | ModuleType] = (), *, databases: Iterable[Database] = ()
) -> list[Finding]:
    """Return what keeps receivers of this program from running, or loses their calls.

    Call it after the program has imported all that it imports at its start. `examine` itself imports,
    connects and sends nothing. The receivers of all signals are examined, and the source files of the
    packages that contain the modules.

    Args:
        modules: modules of the program that were imported, or their names. In a Django project, leave
            them out to examine its apps.
        databases: databases with stored deliveries, which are read, too.

    Returns:
        The findings, by file and line.

    Raises:
        ArgumentError: if a module was not imported.
        Exception: what a driver raises if a database cannot be read.
    """
    names = [_imported(each) for each in ([modules] if isinstance(modules, str) else modules)]
    packages = dict.fromkeys(map(package_of, names)) if names else default_packages()
    return found_by(rules(), Program(tuple(packages), tuple(databases)))


def found_by(asked: Collection[Rule], program: Program) -> list[Finding]:
    """Return the findings of some rules in a program, by file and line."""
    found = dict.fromkeys(each for rule in asked for each in rule(program))
    return sorted(
        found, key=lambda each: (each.file or "", each.line or 0, each.code, each.subject)
    )


def _imported(module: object) -> str:
    name = module if isinstance(module, str) else getattr(module, "__name__", None)
    if not isinstance(name, str) or name not in sys.modules:
        raise ArgumentError(
            f"examine() was given {quoted_name(name or module)}, and no such module was imported. Import it "
            f"first, as the program does at its start.",
            ["modules"],
        )
    return name
