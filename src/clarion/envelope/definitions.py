"""Whether a function replaces another one, because its module was loaded again."""

from __future__ import annotations

import linecache
from types import CodeType, FunctionType
from typing import NamedTuple

from clarion._core.names import code_of


class Definition(NamedTuple):
    """Where a function is defined.

    Attributes:
        name: its qualified name.
        file: its file.
        line: its first line.
        code: the code of a lambda, because a line may have several; None for another function.
    """

    name: str
    file: str
    line: int
    code: CodeType | None


def definition_of(function: object) -> Definition | None:
    """Return where a function is defined; None for another object.

    It is None for a function with variables of another function, too, because several may have the
    same code.
    """
    code = code_of(function) if isinstance(function, FunctionType) else None
    if code is None or code.co_freevars:
        return None
    shared = code if code.co_name == "<lambda>" else None
    return Definition(code.co_qualname, code.co_filename, code.co_firstlineno, shared)


def may_replace(new: Definition | None, old: Definition | None) -> bool:
    """Return whether a function may be the other one after its module was loaded again.

    Its file may have changed meanwhile. A file that still has the old one has two functions.
    """
    if new is None or old is None:
        return False
    return new == old or (_is_moved(new, old) and not _is_in_file(old))


def _is_moved(new: Definition, old: Definition) -> bool:
    is_unique = new.code is None and "<locals>" not in new.name
    return is_unique and (new.name, new.file) == (old.name, old.file)


def _is_in_file(definition: Definition) -> bool:
    linecache.checkcache(definition.file)
    text = "".join(linecache.getlines(definition.file))
    try:
        pending = [compile(text, definition.file, "exec")]
    except (SyntaxError, ValueError):
        return True
    while pending:
        codes = [each for each in pending.pop().co_consts if isinstance(each, CodeType)]
        if any(_is_at(definition, each) for each in codes):
            return True
        pending += codes
    return not text  # it has no file, as a cell of a notebook


def _is_at(definition: Definition, code: CodeType) -> bool:
    return (code.co_qualname, code.co_firstlineno) == (definition.name, definition.line)
