"""autodiscover: import the modules that connect receivers."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from clarion._core.names import quoted_name, value_name
from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A program may have no such module yet. Any other name that no package has is misspelt.
USUAL = "receivers"


def autodiscover(
    module: str = USUAL, *, packages: str | Iterable[str | ModuleType] | None = None
) -> list[ModuleType]:
    """Import the submodule of this name in each package, so that its receivers are connected.

    Args:
        module: the name of the submodule.
        packages: the packages, by name or as modules. By default the top-level package of the code
            that calls this function, and every package in it.

    Returns:
        The modules, in the order of the packages. A package without the module is skipped. The list
        may be empty for the module `receivers` only.

    Raises:
        ImportError: if a package does not exist, or if a module raises it.
        ArgumentError: if an argument has a wrong value, such as a module that no package has. Also if
            `packages` is left out, and the caller belongs to no package.

    It works as `django.utils.module_loading.autodiscover_modules` in Django 6.1. Call it once, when
    the program starts.
    """
    _check_module(module)
    if packages is None:
        names = _inside(_package_of(sys._getframe(1).f_globals), module)  # pyright: ignore[reportPrivateUsage]
    else:
        names = iter([_name_of(each) for each in _listed(packages)])
    found = [f"{name}.{module}" for name in dict.fromkeys(names) if _has(name, module)]
    if not found and module != USUAL:
        raise ArgumentError(
            f"autodiscover() found no module {module} in any package. Correct its name, for example "
            f"to {USUAL}, or name the packages that have it.",
            ["module"],
        )
    return [import_module(name) for name in found]


def _check_module(module: object) -> None:
    parts = module.split(".") if isinstance(module, str) else [""]
    if not all(part.isidentifier() for part in parts):
        raise ArgumentError(
            f"autodiscover() was given {quoted_name(module)} as the name of a module. "
            f"Write autodiscover('receivers', packages=['shop', 'billing']).",
            ["module"],
        )


def _listed(packages: object) -> list[object]:
    if isinstance(packages, (str, ModuleType)):
        return [packages]
    listed: list[object] = list(packages) if hasattr(type(packages), "__iter__") else []  # type: ignore[call-overload]
    if not listed:
        raise ArgumentError(
            "autodiscover() was given no packages. Give a list of names, such as packages=['shop'].",
            ["packages"],
        )
    return listed


def _name_of(package: object) -> str:
    """Import a package, and return its name."""
    if isinstance(package, ModuleType):
        package = package.__name__
    if not isinstance(package, str) or not package or package.startswith("."):
        raise ArgumentError(
            f"autodiscover() was given {value_name(package)} as a package. "
            f"Give its whole name, such as packages=['shop.orders'].",
            ["packages"],
        )
    if not hasattr(import_module(package), "__path__"):
        raise ArgumentError(
            f"autodiscover() was given {package}, which is a module and no package. "
            f"Import it yourself, or give the package that has a module of that name.",
            ["packages"],
        )
    return package


def _package_of(caller: dict[str, object]) -> str:
    """Return the top-level package of the module with these globals."""
    package = caller.get("__package__")
    if not isinstance(package, str) or not package:
        raise ArgumentError(
            "autodiscover() was called outside a package, so it has no package to search. "
            "Name them: autodiscover('receivers', packages=['shop', 'billing']).",
            ["packages"],
        )
    return package.partition(".")[0]


def _inside(root: str, module: str) -> Iterator[str]:
    """Yield a package and its inner packages that may have the module; import no other."""
    from pkgutil import iter_modules

    first = module.partition(".")[0]
    spec = find_spec(root)
    waiting = [(root, [] if spec is None else list(spec.submodule_search_locations or []))]
    while waiting:
        package, places = waiting.pop(0)
        inside = sorted(iter_modules(places), key=lambda each: each.name)
        if any(each.name == first for each in inside):
            yield package
        for each in inside:
            if each.ispkg:
                found = each.module_finder.find_spec(each.name, None)
                below = None if found is None else found.submodule_search_locations
                waiting.append((f"{package}.{each.name}", list(below or [])))


def _has(package: str, module: str) -> bool:
    """Return whether a package has a module; import the packages above it."""
    name = package
    for part in module.split("."):
        if not hasattr(import_module(name), "__path__"):
            return False
        name = f"{name}.{part}"
        if sys.modules.get(name) is None and find_spec(name) is None:
            return False
    return True
