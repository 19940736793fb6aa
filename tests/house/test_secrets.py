"""No message contains the repr of an object of the program, which may contain a secret."""

import ast
import re

import pytest

from tests.house.tree import MODULES, ROOT, SRC, name_of, nodes_of

# The reprs that stay, each with the reason.
ALLOWED = {
    ("clarion", "name"): "the name of an attribute",
    ("clarion.envelope.tagged", "name"): "the name of an attribute",
    ("clarion.testing", "name"): "the name of an attribute",
    ("clarion.integrations.django", "name"): "the name of an attribute",
    ("clarion.integrations.sqlalchemy", "name"): "the name of an attribute",
    ("clarion._core.misnamed", "self._name"): "the name of an attribute",
    ("clarion._core.arguments", "close[0]"): "a parameter of ours",
    ("clarion._core.names", "repr(option)"): "a flag, a number, or a delivery of Clarion",
    ("clarion.integrations.settings", "close[0]"): "a field's name",
    ("clarion.commit.resolve", "using"): "an alias that a boundary has",
    ("clarion.commit.resolve", "alias"): "an alias that a boundary has",
    ("clarion.integrations.django.commit.provider", "using"): "an alias in the settings",
    ("clarion.integrations.django.commit.boundary", "alias"): "an alias in the settings",
    ("clarion.integrations.sqlalchemy.commit.boundary", "alias_of(bind.engine)"): "an alias",
    ("clarion.signals", "self.path"): "the path of a request, as in Django's repr of it",
    ("clarion.testing.capture", "_shown.repr(value)"): "a test compares these values",
    ("clarion.testing.capture", "self._sent"): "a test compares these values",
    ("clarion.testing.assertions", "sent"): "a test compares these values",
}

# C has its own codes. These show functions and classes of ours.
C_ALLOWED = {
    "<compiled %R>",
    "%R has no slot '%s'. Build Clarion again.",
    "%R is not a class. Build Clarion again.",
}


# A call of one of these, a conversion in an f-string, or a code in a format string.
CALLS = {"repr", "ascii", "pformat", "pprint", "saferepr"}
CODES = re.compile(r"%(\(\w+\))?[ra](?!\w)|\{\w*![ra]\}")


def reprs_in(source):
    """Yield the source of each expression whose repr gets into text."""
    for node in nodes_of(source):
        match node:
            case ast.FormattedValue(conversion=114 | 97):  # !r and !a
                yield ast.unparse(node.value)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
                if name in CALLS or (name == "map" and is_repr(arguments[0])):
                    yield ast.unparse(node)
            case ast.Constant(value=str(text)) if CODES.search(text):
                yield text


def is_repr(node):
    """Return whether an argument is the function `repr`."""
    return isinstance(node, ast.Name) and node.id in {"repr", "ascii"}


NAME_OF_A_TYPE = ("__name__", "__qualname__")

FOUND = {
    (name_of(path), text)
    for path in MODULES
    for text in reprs_in(path.read_text())
    if not text.endswith(NAME_OF_A_TYPE)
}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('f"{sender!r} is unhashable"', ["sender"]),
        ('f"{sender!a}"', ["sender"]),
        ('f"{sender=}"', ["sender"]),
        ('f"{sender}"', []),
        ("repr(sender)", ["repr(sender)"]),
        ("', '.join(map(repr, keys))", ["map(repr, keys)"]),
        ('"%s is %r" % (name, sender)', ["%s is %r"]),
        ('"{!r}".format(sender)', ["{!r}"]),
        ('logger.error("%(sender)r")', ["%(sender)r"]),
        ('"100 %really"', []),
    ],
)
def test_a_repr_is_found(source, found):
    """Each way to write a repr is found."""
    assert [*reprs_in(source)] == found


@pytest.mark.parametrize(("module", "text"), sorted(FOUND), ids=" ".join)
def test_the_repr_is_allowed(module, text):
    """Messages name the object with `value_name`, unless the list has a reason."""
    assert (module, text) in ALLOWED


def test_the_list_only_shrinks():
    """An entry that is not needed any more is to be removed."""
    assert not {*ALLOWED} - FOUND


def test_the_c_source_formats_no_value():
    """The compiled send shows our own functions and classes only."""
    for path in SRC.rglob("*.[ch]"):
        formats = re.findall(r'"([^"\n]*%[RSA][^"\n]*)"', path.read_text())
        assert {*formats} <= C_ALLOWED, path.relative_to(ROOT)
