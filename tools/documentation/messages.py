"""The texts of Clarion's errors and warnings, read from its source.

The pages in `docs/help/messages` show them, and `tests/house` checks that none is missing.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "clarion"
CAUSES = ROOT / "docs" / "help" / "causes.toml"
GAP = "…"  # a name, a type or a number of the program

# The name of each page, and the parts of the source whose messages it shows.
PAGES = {
    "connect-and-send": ("_core",),
    "after-the-commit": ("commit",),
    "stored-sends": ("envelope",),
    "outbox-and-workers": ("outbox", "worker"),
    "task-engines": (
        "background",
        "integrations/celery",
        "integrations/django/tasks.py",
        "integrations/dramatiq.py",
        "integrations/huey.py",
        "integrations/procrastinate",
        "integrations/rq.py",
        "integrations/taskiq",
    ),
    "django": ("integrations/django",),
    "sqlalchemy": ("integrations/sqlalchemy",),
    "tests-and-settings": ("testing", "integrations/settings.py"),
    "packages-and-imports": ("errors.py", "__init__.py"),
    "command-line": ("cli", "doctor", "graph", "tail"),
}
# Errors of Django and of Python that Clarion raises with a text of its own.
BORROWED = {"ImproperlyConfigured", "TimeoutError"}
WARNING_FUNCTIONS = {"warnings.warn", "warnings.warn_explicit", "warn_caller"}


class Message(NamedTuple):
    """A text of an error or a warning; `…` replaces what the program inserts."""

    kind: str
    text: str
    path: str
    line: int

    @property
    def page(self) -> str:
        """Return the name of the page that shows the message."""
        return page_of(self.path)

    @property
    def cause(self) -> str:
        """Return what more there is to say about it, or nothing."""
        return next((text for start, text in causes().items() if self.text.startswith(start)), "")

    @property
    def problem(self) -> str:
        """Return the sentences that say what is wrong."""
        return " ".join(sentences(self.text)[:-1]) or self.text

    @property
    def cure(self) -> str:
        """Return the last sentence, which says what to do."""
        return sentences(self.text)[-1] if len(sentences(self.text)) > 1 else ""


def sentences(text: str) -> list[str]:
    """Split a message into its sentences."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`@{…])", text.strip())


class Module:
    """A module of the source: its tree, and the texts that its names have."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(SOURCE).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.names = dict(_assigned(self.tree.body))
        self.functions = {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)
        }

    def text(self, node: ast.expr, local: Mapping[str, ast.expr]) -> str:
        """Return the text of an expression, with a gap for each part that is computed."""
        match node:
            case ast.Constant(str() | int() as value):
                return str(value)
            case ast.JoinedStr(parts):
                return "".join(self.text(part, local) for part in parts)
            case ast.FormattedValue(value):
                return self.text(value, local)
            case ast.Name(name) if found := local.get(name) or self.names.get(name):
                return self.text(found, {})
            case ast.Call(ast.Name(name), arguments):
                return self._called(name, [self.text(each, local) for each in arguments])
        return GAP

    def _called(self, name: str, arguments: list[str]) -> str:
        """Return the text that a function returns."""
        if name == "command_line":  # of clarion._core.commands
            return f"clarion {arguments[0]}"
        return self._returned(self.functions[name]) if name in self.functions else GAP

    def _returned(self, function: ast.FunctionDef) -> str:
        found = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
        texts = (self.text(value, {}) for value in found if isinstance(value, ast.JoinedStr))
        return max(texts, key=len, default=GAP)


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        match node:
            case ast.Assign(
                [ast.Name(name)], ast.Constant(str() | int()) | ast.JoinedStr() as value
            ):
                yield name, value


@cache
def error_bases() -> dict[str, list[str]]:
    """Return the name of each error class of Clarion, with the names of its bases."""
    found: dict[str, list[str]] = {}
    for path in [SOURCE / "errors.py", *sorted(SOURCE.rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base).split(".")[-1] for base in node.bases]
                if node.name == "ClarionError" or found.keys() & {*bases}:
                    found.setdefault(node.name, bases)
    return found


def kind_of(call: ast.Call) -> str | None:
    """Return the class of the error that a call creates, or that it is a warning."""
    name = ast.unparse(call.func)
    if name in error_bases() or name in BORROWED:
        return name
    if name == "Fault":  # a part of the warnings of Django's senders
        return "SenderWarning"
    if name not in WARNING_FUNCTIONS:
        return None
    return ast.unparse(call.args[1]) if len(call.args) > 1 else "UserWarning"


def created(path: Path) -> Iterator[Message]:
    """Yield the message of each error and warning that a module creates."""
    module = Module(path)
    scopes: list[ast.AST] = [module.tree, *module.functions.values()]
    local = {id(node): scope for scope in scopes for node in ast.walk(scope)}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or (kind := kind_of(node)) is None or not node.args:
            continue
        scope = local[id(node)]
        names = dict(_assigned(scope.body)) if isinstance(scope, ast.FunctionDef) else {}
        text = module.text(node.args[0], names)
        if ast.unparse(node.func) == "Fault":
            text = f"Receiver {GAP} is connected to {text}. {module.text(node.args[1], names)}"
        if len(re.findall(r"\w{2,}", text)) > 1:
            yield Message(kind, _plain(text), module.path, node.lineno)


def _plain(text: str) -> str:
    return re.sub(rf"(?:{GAP}[\s,]*)+{GAP}", GAP, text).strip()


def default_messages() -> Iterator[Message]:
    """Yield the messages in errors.py: of missing packages, and the default ones."""
    module = Module(SOURCE / "errors.py")
    for node in ast.walk(module.tree):
        match node:
            case ast.Assign([ast.Name("message")], value):
                text, kind = module.text(value, {}), "MissingExtraError"
                yield Message(kind, _plain(text), module.path, node.lineno)
            case ast.ClassDef(name="Retry" | "Reject" as kind):
                for each in ast.walk(node):
                    if isinstance(each, ast.arguments) and each.defaults:
                        text = module.text(each.defaults[0], {})
                        yield Message(kind, text, module.path, node.lineno)


@cache
def messages() -> list[Message]:
    """Return every message, sorted by its text."""
    found = [*default_messages()]
    for path in sorted(SOURCE.rglob("*.py")):
        found += created(path)
    unique = {(each.kind, each.text): each for each in found}
    return sorted(unique.values(), key=lambda each: each.text.lstrip(f"{GAP} ").lower())


def page_of(path: str) -> str:
    """Return the name of the page with the messages of a module."""
    parts = [(part, page) for page, found in PAGES.items() for part in found]
    fitting = [(part, page) for part, page in parts if f"{path}/".startswith(f"{part}/")]
    return max(fitting, key=lambda each: len(each[0]), default=("", ""))[1]


def builtin_base_of(kind: str) -> str:
    """Return the error of Python that an error class also is, or nothing."""
    for base in error_bases().get(kind, []):
        if base not in error_bases():
            return base if base != "Exception" else ""
        if found := builtin_base_of(base):
            return found
    return ""


@cache
def causes() -> dict[str, str]:
    """Return the additional text for some messages, by how each message begins."""
    with CAUSES.open("rb") as file:
        return {each["message"]: each["cause"] for each in tomllib.load(file)["cause"]}
