"""The names of signals, receivers and senders, for notes, `explain` and messages.

A signal is named by the module that holds it, a receiver by its code. A send does none of
this unless a receiver raises.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from clarion._core.registry import is_signal
from clarion._core.tabled import table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any

    from clarion._core.signal import Signal

    _Holders = list[tuple[ModuleType, str]]

LONGEST_NAME = 100
MOST_WRAPPERS = 100
_NAMED = (type, FunctionType, BuiltinFunctionType, MethodType, partial)
_searching: set[int] = set()  # the threads that search for a name


def name_of(receiver: object) -> str:
    """Return the dotted name of a receiver.

    It never raises. An object without a name gets that of its class, and a partial that of
    its function.
    """
    if isinstance(receiver, partial):
        return f"partial({name_of(receiver.func)})"
    name = getattr(receiver, "__qualname__", None)
    if not isinstance(name, str):
        return f"{dotted(type(receiver))} object"
    module = getattr(receiver, "__module__", None)
    return f"{module}.{name}" if isinstance(module, str) else name


def dotted(kind: type) -> str:
    """Return the dotted name of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


def sender_name(sender: object) -> str:
    """Return the name of a sender: a number, a name in quotes, else as `value_name`."""
    if sender is None:
        return "any sender"
    return str(sender) if type(sender) is int else quoted_name(sender)


def value_name(value: object) -> str:
    """Return how a message names an object of the program, without its value.

    A class, a function and a signal have a name; any other object is named by its
    type, because its repr may contain a secret.
    """
    # By type(), because isinstance() asks a proxy for the class of its object.
    kind: Any = type(value)
    if issubclass(kind, _NAMED):
        return name_of(value)
    if is_signal(value):
        return f"signal {signal_name(value)}"
    if value is None or kind.__module__ != "builtins":
        return "None" if value is None else f"an object of {dotted(kind)}"
    return f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__}"


def quoted_name(value: object) -> str:
    """Return text that can be a name in quotes; for anything else, the same as `value_name`.

    Text that contains other characters may be a URL or a secret.
    """
    # By type(), as in `value_name`.
    text = value if type(value) is str else None
    if (
        text is None
        or len(text) > LONGEST_NAME
        or not all(each.isalnum() or each in "_-.: " for each in text)
    ):
        return value_name(value)
    return f"'{text}'"


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun, such as "1 failure" or "2 failures"."""
    return f"{count} {one if count == 1 else many}"


def keyword_name(keyword: str) -> str:
    """Return the name of a keyword for a message.

    Text that can be no parameter may be a secret, so it is named by its type.
    """
    return keyword if keyword.isidentifier() else value_name(keyword)


def keyword_names(keywords: Iterable[str]) -> str:
    """Return the names of keywords for a message, sorted: see `keyword_name`."""
    return ", ".join(sorted(map(keyword_name, keywords)))


def option_name(option: object) -> str:
    """Return how a repr shows an option: a flag, a number or a delivery of Clarion as it is.

    Any other object is named as by `quoted_name`, because another package's repr may show a secret.
    """
    kind = type(option)
    is_shown = kind in {bool, int} or kind.__module__.startswith("clarion.")
    return repr(option) if is_shown else quoted_name(option)


def place_of(receiver: object) -> tuple[str, int] | None:
    """Return the file and line of a receiver; None if it is not written in Python."""
    code = code_of(receiver)
    return None if code is None else (code.co_filename, code.co_firstlineno)


def code_of(receiver: object) -> CodeType | None:
    """Return the code object that a call of the receiver runs, or None."""
    while isinstance(receiver, partial):
        receiver = receiver.func
    receiver = _innermost(receiver)
    code: CodeType | None = getattr(receiver, "__code__", None)
    if code is None:
        # Calling a class runs its __init__, calling an object its class's __call__.
        called = "__init__" if isinstance(receiver, type) else "__call__"
        owner = receiver if isinstance(receiver, type) else type(receiver)
        code = getattr(getattr(owner, called, None), "__code__", None)
    return code


def _innermost(receiver: object) -> object:
    seen: set[int] = set()
    # A stub may return a new object for each `__wrapped__`.
    while id(receiver) not in seen and len(seen) < MOST_WRAPPERS:
        seen.add(id(receiver))
        receiver = getattr(receiver, "__wrapped__", receiver)
    return receiver


def described(receiver: object) -> str:
    """Return the receiver's name and, where known, its file and line."""
    place = place_of(receiver)
    return name_of(receiver) if place is None else f"{name_of(receiver)} ({place[0]}:{place[1]})"


def signal_name(signal: Signal) -> str:
    """Return the dotted name of a signal: as given, or by the module that holds it.

    The name is cached.
    """
    table = table_of(signal)
    if table.name is None and (found := _searched(signal)) is not None:
        table.name = found
        return found
    if table.name:
        return table.name
    made_in = "" if table.home is None else f" made in {table.home}"
    return f"nameless {type(signal).__name__}{made_in}"


def _searched(signal: Signal) -> str | None:
    table = table_of(signal)
    # Searching all modules takes milliseconds, and an error may pass many sends. So it is repeated
    # only after an import, and not by a signal handler that runs in a search.
    modules, thread = len(sys.modules), get_ident()
    is_nested = thread in _searching
    try:
        _searching.add(thread)
        found = find_name(signal, table.home, anywhere=not is_nested and table.searched != modules)
    finally:
        if not is_nested:
            _searching.discard(thread)
    if found is None and not is_nested:
        table.searched = modules  # after the search, because other threads may ask meanwhile
    return found


def find_name(signal: object, home: str | None, *, anywhere: bool = True) -> str | None:
    """Return the dotted name of a signal by a module that holds it, or None.

    Args:
        signal: the signal.
        home: the name of the module in which it was created, if known.
        anywhere: whether to search other modules too.
    """
    # The home is searched first: its name is the best one, and there may be thousands of modules.
    holders = _holders(signal, _modules(home or ""))
    if not holders and anywhere:
        holders = _holders(signal, _modules(None))
    return _best_name(signal, home, holders)


def _holders(signal: object, modules: list[ModuleType]) -> _Holders:
    return [
        (module, attribute)
        for module in modules
        for attribute, value in list(vars(module).items())
        if value is signal
    ]


def name_signals(signals: Iterable[Signal]) -> None:
    """Find and cache the names of many signals in one search of all modules.

    `signal_name` then returns them without a search of its own for each signal.
    """
    modules = len(sys.modules)
    unnamed = {
        id(signal): signal
        for signal in signals
        if table_of(signal).name is None and table_of(signal).searched != modules
    }
    holders: dict[int, _Holders] = {key: [] for key in unnamed}
    for module in _modules(None) if unnamed else []:
        for attribute, value in list(vars(module).items()):
            if id(value) in holders:
                holders[id(value)].append((module, attribute))
    for key, signal in unnamed.items():
        table = table_of(signal)
        if (found := _best_name(signal, table.home, holders[key])) is None:
            table.searched = modules
        else:
            table.name = found


def _best_name(signal: object, home: str | None, holders: _Holders) -> str | None:
    if not holders:
        return None
    # If several modules hold it, all but one have imported it. Without a home, the source
    # shows which one assigns it. The order of the imports must not matter, because the name is stored.
    package = _package(type(signal).__module__)
    holders.sort(key=lambda holder: _rank(holder[0].__name__, home, package))
    if len(holders) > 1 and holders[0][0].__name__ != home:
        holders.sort(key=lambda holder: not _assigns(*holder))
    module, attribute = holders[0]
    return f"{module.__name__}.{attribute}"


def _rank(name: str, home: str | None, package: str) -> tuple[bool, bool, bool, int, str]:
    # A framework has its own signals, such as Django's post_save.
    is_foreign = _package(name) != package
    return name != home, name == "__main__", is_foreign, name.count("."), name


def _package(module: str) -> str:
    return module.partition(".")[0]


def _modules(name: str | None) -> list[ModuleType]:
    found = list(sys.modules.values()) if name is None else [sys.modules.get(name)]
    return [module for module in found if type(module) is ModuleType]


def _assigns(module: ModuleType, attribute: str) -> bool:
    """Return whether the module's source assigns the attribute, not imports it."""
    import inspect
    import re

    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return False
    # An annotation or other targets may follow, but no call: `post_save.connect(f, sender=Order)`.
    assigned = rf"^{re.escape(attribute)}\s*(?:[:,][^=\n]*)?=(?!=)"
    return re.search(assigned, source, re.MULTILINE) is not None
