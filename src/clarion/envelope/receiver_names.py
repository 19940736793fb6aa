"""The names by which another process finds a receiver.

A stored delivery names its receiver as `module:qualname`, or by the `name=` that the receiver was
connected with. The module is that of an import, also for the program's main module. A worker imports nothing by such a name. It compares the name with the names of the
receivers that it has connected.
"""

from __future__ import annotations

import re
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from clarion._core.main_copy import MAIN
from clarion._core.names import described, quoted_name, value_name
from clarion.envelope.main_module import importable
from clarion.errors import ArgumentError, SignatureError

if TYPE_CHECKING:
    from clarion.typing import Receiver

_IMPORTABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")

LONGEST = 200  # characters; the columns of the tables have this length


def stable_name(receiver: Receiver, name: str | None = None) -> str:
    """Return the name by which another process finds a receiver.

    Args:
        receiver: the receiver.
        name: the name that it was connected with, or None.

    Raises:
        SignatureError: if it was given no name, and its own name may differ in another process,
            or may not be unique there.
        ArgumentError: if the name is not text, empty or too long.
    """
    if name is not None:
        return check_name(name)
    if (reason := _why_unstable(receiver)) is not None:
        raise SignatureError(
            f"Receiver {described(receiver)} {reason}, so another process cannot find it by its "
            f"name. Use a function at the top level of a module, or give the delivery name='...'.",
            receiver,
        )
    function: Any = receiver
    return check_name(type_name(function))


def type_name(kind: type | FunctionType) -> str:
    """Return the name under which a class or a function is stored, alone or with its values."""
    return f"{importable(kind.__module__)}:{kind.__qualname__}"


def check_name(name: str) -> str:
    """Return a name for a receiver; refuse a value that cannot be one."""
    if type(name) is not str or not name.strip():
        raise ArgumentError(
            f"A receiver's name was {value_name(name)}. Give a text that is not empty, such as "
            f"'shop.send_receipt'.",
            ["name"],
        )
    if len(name) > LONGEST:
        raise ArgumentError(
            f"A receiver's name has {len(name)} characters, more than {LONGEST}. Give a shorter name=.",
            ["name"],
        )
    if name != name.strip() or not name.isprintable():
        # PostgreSQL stores no NUL, and MariaDB compares names without the spaces at their end.
        raise ArgumentError(
            "A receiver's name begins or ends with a space, or has a character that cannot be printed. "
            "Give a name=, such as 'shop.send_receipt'.",
            ["name"],
        )
    return name


def _why_unstable(receiver: Any) -> str | None:
    if isinstance(receiver, (partial, MethodType)):
        return "is a partial" if isinstance(receiver, partial) else "is a bound method"
    if not isinstance(receiver, (FunctionType, type)):
        return "is no function"
    name = receiver.__qualname__
    if "<" in name:
        return "is a lambda" if "<lambda>" in name else "is defined inside a function"
    module = importable(receiver.__module__)
    if module in MAIN:
        return "is defined in a main module without a file, such as a shell's"
    if _IMPORTABLE.fullmatch(module) is None:
        return f"is defined in the main module {quoted_name(module)}, which no import can name"
    return None
