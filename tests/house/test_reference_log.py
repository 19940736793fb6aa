"""The pages of log lines list each call of a logger in the code."""

import ast
import re
from collections import defaultdict

import pytest

from tests.house.tree import MODULES, ROOT, name_of, nodes_of

PAGES = "\n".join(path.read_text() for path in sorted((ROOT / "docs/reference").glob("log*.md")))
SECTIONS: defaultdict[str, str] = defaultdict(
    str
)  # a logger of a second page has a heading, without rows, in the first one
for name, text in re.findall(r"^## `([\w.]+)`\n(.*?)(?=^## |\Z)", PAGES, re.MULTILINE | re.DOTALL):
    SECTIONS[name] += text
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
PLACEHOLDER = re.compile(r"%[\d.]*[a-z]")


def lines_of(source):
    """Yield the logger, the level and the text of each line that a module logs."""
    nodes = nodes_of(source)
    constants = constants_of(nodes[0])
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=logger, attr=level), args=[text, *_]):
                if level in LEVELS and (name := logger_name(logger, constants)):
                    shown = PLACEHOLDER.sub("…", ast.literal_eval(text))
                    yield name, level.upper().replace("EXCEPTION", "ERROR"), shown


def constants_of(tree):
    """Return the right sides of the assignments of a module, by name."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def logger_name(node, constants):
    """Return the name of a logger, or an empty string if the expression is none."""
    match node:
        case ast.Name(id="logger"):
            return logger_name(constants["logger"], constants)
        case ast.Call(func=ast.Attribute(attr="getLogger"), args=[ast.Constant(value=name)]):
            return name
        case ast.Call(func=ast.Name(id="logger_of")):
            return ast.literal_eval(constants["NAME"])
    return ""


LOGGED = [
    (name_of(path), *line)
    for path in MODULES
    if not name_of(path).startswith("clarion.cli")  # prints what others log
    for line in lines_of(path.read_text())
]


def test_calls_are_read():
    """Each form of call is found, with its logger, level and text."""
    source = """
import logging
logger = logging.getLogger("clarion.worker")
logger.exception("Delivery %s is given up after %.1f s.", 7, 2)
logging.getLogger("clarion").warning("A " "text")
task.exception()
"""
    assert [*lines_of(source)] == [
        ("clarion.worker", "ERROR", "Delivery … is given up after … s."),
        ("clarion", "WARNING", "A text"),
    ]


@pytest.mark.parametrize(("module", "logger", "level", "text"), LOGGED)
def test_each_line_is_listed(module, logger, level, text):
    """The section of the logger has a row with the level, the text, and what to do."""
    rows = [row for row in SECTIONS[logger].splitlines() if row.startswith(f"| {level} | {text} |")]
    assert len(rows) == 1, f"{module}: | {level} | {text} |"


def test_no_other_line_is_listed():
    """A line that the code does not log any more is removed from the page."""
    listed = {
        (logger, *row)
        for logger, section in SECTIONS.items()
        for row in re.findall(r"^\| ([A-Z]+) \| (.*?) \| ", section, re.MULTILINE)
    }
    assert listed == {line for _, *rest in LOGGED for line in [tuple(rest)]}
