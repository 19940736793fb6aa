"""The page of settings lists each setting that the code reads."""

import ast
import re

import pytest

from tests.house.tree import MODULES, ROOT, nodes_of

PAGE = (ROOT / "docs/reference/configuration.md").read_text()
READS_ENVIRONMENT = re.compile(r"""(?:environ(?:\.get)?[\[(]|getenv\(|envvar=)["'](\w+)["']""")
ADDS_OPTION = {"addini", "addoption"}


def settings_of(source):
    """Yield the names of the settings that a module reads or adds."""
    yield from READS_ENVIRONMENT.findall(source)
    yield from re.findall(r"\bCLARION_[A-Z]+\b", source)
    yield from re.findall(r'id="(clarion\.[A-Z]\d+)"', source)
    for node in nodes_of(source):
        match node:
            case ast.Call(func=ast.Attribute(attr=added), args=[ast.Constant(value=name), *_]):
                if added in ADDS_OPTION:
                    yield name


SETTINGS = sorted({name for path in MODULES for name in settings_of(path.read_text())})


def test_settings_are_read():
    """Each form of a setting is found."""
    source = """
import os
os.environ.get("CLARION_PURE")
os.environ["SHOP"]
parser.addini("clarion_reset", "help")
CheckWarning("text", id="clarion.W001")
"""
    found = {"CLARION_PURE", "SHOP", "clarion.W001", "clarion_reset"}
    assert {*settings_of(source)} == found


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_is_listed(name):
    """A reader finds each setting on one page."""
    assert f'`"{name}"`' in PAGE or f"`{name}`" in PAGE
