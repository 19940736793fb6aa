"""Which receivers a source file connects, found in its syntax tree.

The file is not run. Its names are looked up in the modules that the program has imported.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from clarion.doctor.connecting import Connecting, connecting, is_receiver, signals_given_to
from clarion.doctor.scopes import SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeGuard

    from clarion._core.signal import Signal

    Function = ast.FunctionDef | ast.AsyncFunctionDef

_OF_INTEREST = re.compile(r"@\s*[\w.]*receiver\b|\breceiver\s*\(|\.\s*connect\b|\bbound\b")

# What a function such as `autodiscover` imports by default: Clarion's, and Celery's.
_DISCOVERED = ("receivers", "tasks")

# Code in these may never run, or run more than once.
_INNER = (
    *(ast.If, ast.Try, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.ClassDef),
    *(ast.Match, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
_NAME = re.compile(r"\.?[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_of_interest(text: str) -> bool:
    """Return whether a source text may connect receivers, or bind sessions."""
    return _OF_INTEREST.search(text) is not None


@dataclass(frozen=True)
class Connect:
    """A call in a source file that connects a receiver.

    Attributes:
        line: the line of the first decorator, or of the receiver in a call.
        signals: the signals that are known.
        receiver: the function that is decorated, or the expression of the receiver.
        weak: the option `weak`; None if it is left out, and "unknown" if it is not a literal.
        is_once: whether the receiver is disconnected by its first call.
        scope: the function that contains the call; None at the top level of the module.
        is_conditional: whether the call is in an `if`, a `with`, a loop or a class, for example.
        uid: the option `dispatch_uid`, if it is a literal text.
        sender: the expression of the sender; None if it is left out.
    """

    line: int
    signals: tuple[Signal, ...]
    receiver: Function | ast.expr
    weak: bool | str | None
    is_once: bool
    scope: ast.AST | None
    is_conditional: bool
    uid: str | None = None
    sender: ast.expr | None = None


@dataclass(frozen=True)
class Source:
    """A source file.

    Attributes:
        name: the name of the module.
        file: the path.
        tree: the syntax tree.
    """

    name: str
    file: str
    tree: ast.Module

    @classmethod
    def of(cls, name: str, file: str, text: str) -> Source:
        """Return the source file of a text.

        Raises:
            SyntaxError: if it is not Python.
        """
        return cls(name, file, ast.parse(text))

    @cached_property
    def connects(self) -> list[Connect]:
        """The calls that connect receivers."""
        return list(self._connects_in(self.tree, None, is_conditional=False))

    @property
    def connects_at_import(self) -> list[Connect]:
        """The calls that an import of the file runs, also in a function that it calls at its top level."""
        called = {
            each.value.func.id
            for each in self.tree.body
            if isinstance(each, ast.Expr)
            and isinstance(each.value, ast.Call)
            and isinstance(each.value.func, ast.Name)
        }
        functions = [each for each in self.tree.body if getattr(each, "name", None) in called]
        return [each for each in self.connects if each.scope is None or each.scope in functions]

    @cached_property
    def imports(self) -> dict[str, tuple[str, str | None]]:
        """The module, and the name in it, of each name that the file imports."""
        found: dict[str, tuple[str, str | None]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    local = each.asname or each.name.partition(".")[0]
                    found[local] = (each.name if each.asname else local, None)
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    found[each.asname or each.name] = (self._module_of(node), each.name)
        return found

    def imported_modules(self, part: ast.AST | None = None) -> Iterator[str]:
        """Yield the names of all modules that the file may import, also by a string such as a setting.

        Args:
            part: a node of the file, such as a function; by default the whole file.
        """
        for node in ast.walk(part or self.tree):
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = self._module_of(node)
                yield module
                yield from (f"{module}.{each.name}" for each in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = node.value.partition(":")[0]
                if _NAME.fullmatch(name):
                    yield f"{self._package}{name}" if name.startswith(".") else name

    def discovered_modules(self) -> Iterator[str]:
        """Yield the last part of the name of each module that `autodiscover` may import.

        Of a call that lists its packages, yield the whole names.
        """
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            name: str = getattr(called, "attr", getattr(called, "id", ""))
            if name.startswith("autodiscover"):
                given = [*node.args, *(each.value for each in node.keywords)]
                last = [*_DISCOVERED, *_texts_of(given)]
                lists = [_texts_of(each.elts) for each in given if _is_list_of_texts(each)]
                if not lists:
                    yield from last
                yield from (
                    f"{package}.{each}" for found in lists for package in found for each in last
                )

    @property
    def _package(self) -> str:
        return self.name if self.file.endswith("__init__.py") else self.name.rpartition(".")[0]

    def lookup(self, node: ast.AST) -> object:
        """Return the object that a dotted name means; None if it is not imported."""
        if isinstance(node, ast.Attribute):
            return member(self.lookup(node.value), node.attr)
        if not isinstance(node, ast.Name):
            return None
        if (found := member(sys.modules.get(self.name), node.id)) is not None:
            return found
        if node.id not in self.imports:
            return self._of_star(node.id)
        name, attribute = self.imports[node.id]
        found = sys.modules.get(name)
        if attribute is None or found is None:
            return found
        return member(found, attribute) or sys.modules.get(f"{name}.{attribute}")

    def _of_star(self, name: str) -> object:
        """Return the object that `from ... import *` gives a name; None if the file defines it itself."""
        if name.startswith("_") or name in self._defined:
            return None
        found = (member(sys.modules.get(each), name) for each in self._stars)
        return next((each for each in found if each is not None), None)

    @cached_property
    def _stars(self) -> list[str]:
        """The modules of `from ... import *`, the last one first."""
        found = [
            self._module_of(each)
            for each in ast.walk(self.tree)
            if isinstance(each, ast.ImportFrom) and each.names[0].name == "*"
        ]
        return found[::-1]

    @cached_property
    def _defined(self) -> set[str]:
        """The names that the file defines, anywhere."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return {
            each.name if isinstance(each, kinds) else each.id
            for each in ast.walk(self.tree)
            if isinstance(each, kinds)
            or (isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load))
        }

    def _module_of(self, node: ast.ImportFrom) -> str:
        """Return the whole name of the module of `from ... import`."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        if not self.file.endswith("__init__.py"):
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def _connects_in(
        self, parent: ast.AST, scope: ast.AST | None, *, is_conditional: bool
    ) -> Iterator[Connect]:
        runs = parent.orelse if _is_skipped(parent) else ast.iter_child_nodes(parent)
        for node in runs:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for decorator in node.decorator_list:
                    yield from self._decoration(node, decorator, scope, is_conditional)
            if isinstance(node, ast.Call) and node not in getattr(parent, "decorator_list", ()):
                yield from self._call(node, scope, is_conditional)
            yield from self._connects_in(
                node,
                node if isinstance(node, SCOPES) else scope,
                is_conditional=is_conditional or isinstance(node, _INNER),
            )

    def _decoration(
        self,
        function: Function,
        decorator: ast.expr,
        scope: ast.AST | None,
        is_conditional: bool,  # noqa: FBT001
    ) -> Iterator[Connect]:
        call = decorator if isinstance(decorator, ast.Call) else None
        called = decorator if call is None else call.func
        line = function.decorator_list[0].lineno  # as in the code object
        if call is not None and is_receiver(self, called):
            found = Connecting(signals_given_to(self, call, scope))
        elif not (found := connecting(self, called, scope)).signals:
            return
        keywords = [*found.keywords, *([] if call is None else call.keywords)]
        yield _connect(line, found.signals, function, keywords, (), scope, is_conditional)

    def _call(
        self,
        call: ast.Call,
        scope: ast.AST | None,
        is_conditional: bool,  # noqa: FBT001
    ) -> Iterator[Connect]:
        named = [each.value for each in call.keywords if each.arg == "receiver"]
        if not (given := [*call.args[:1], *named]):
            return
        found = connecting(self, call.func, scope)
        if found.signals:
            line = given[0].lineno
            keywords = [*found.keywords, *call.keywords]
            yield _connect(
                line, found.signals, given[0], keywords, call.args[1:], scope, is_conditional
            )


def _is_list_of_texts(node: ast.AST) -> TypeGuard[ast.List | ast.Tuple]:
    return isinstance(node, (ast.List, ast.Tuple)) and len(_texts_of(node.elts)) == len(node.elts)


def _texts_of(nodes: list[ast.expr]) -> list[str]:
    """Return the literal texts among expressions."""
    values = (each.value for each in nodes if isinstance(each, ast.Constant))
    return [each for each in values if isinstance(each, str)]


def _is_skipped(node: ast.AST) -> TypeGuard[ast.If]:
    """Return whether an import of the file does not run the body of an `if`."""
    if not isinstance(node, ast.If):
        return False
    test = ast.unparse(node.test)
    is_main = "__name__" in test and "__main__" in test and "==" in test
    return is_main or test.rpartition(".")[2] == "TYPE_CHECKING"


def _connect(
    line: int,
    signals: tuple[Signal, ...],
    receiver: Function | ast.expr,
    keywords: list[ast.keyword],
    positional: Sequence[ast.expr],
    scope: ast.AST | None,
    is_conditional: bool,  # noqa: FBT001
) -> Connect:
    given: dict[str | None, ast.expr] = dict(zip(("sender", "weak"), positional, strict=False))
    given |= {each.arg: each.value for each in keywords}
    option = given.get("weak")
    held: bool | str | None = None
    if None in given:  # by `**options`
        held = "unknown"
    elif option is not None:
        value = getattr(option, "value", None)
        held = value if value is None or isinstance(value, bool) else "unknown"
        if not isinstance(option, ast.Constant):
            held = "unknown"
    uid = getattr(given.get("dispatch_uid"), "value", None)
    found = uid if isinstance(uid, str) else None
    is_once, sender = "once" in given, given.get("sender")
    return Connect(line, signals, receiver, held, is_once, scope, is_conditional, found, sender)


def member(owner: object, name: str) -> object:
    """Return an attribute of a module or a class, without running code of the program."""
    # type() is used, because isinstance() may run code of the object.
    given: Any = owner
    if issubclass(type(owner), ModuleType):
        return cast("ModuleType", owner).__dict__.get(name)
    spaces = type.mro(given) if issubclass(type(owner), type) else []
    found = (type.__getattribute__(each, "__dict__") for each in spaces)
    return next((space[name] for space in found if name in space), None)


def is_class(found: object) -> bool:
    """Return whether an object is a class, without running code of the program."""
    return issubclass(type(found), type)


def makes_new(found: object) -> bool:
    """Return whether a call of a class makes an object that only the caller holds."""
    # A class may return an object that it keeps, by its own __new__ or the __call__ of its metaclass.
    return (
        is_class(found)
        and member(found, "__new__") is object.__dict__["__new__"]
        and member(type(found), "__call__") is type.__dict__["__call__"]
    )
