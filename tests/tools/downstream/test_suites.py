"""The table of suites: complete, and each exception has its reason."""

import tomllib

import pytest

from downstream.__main__ import TABLE

DATA = tomllib.loads(TABLE.read_text(encoding="utf-8"))
PROJECTS = DATA["projects"]["suites"]


def test_the_short_form_is_part_of_the_long_one():
    """It names suites and packages that the long form has."""
    assert {*DATA["django"]["short"]} <= {*DATA["django"]["packages"].split()}
    assert PROJECTS.keys() >= {*DATA["projects"]["short"]}


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_is_one_release(name):
    """A pinned source distribution, and a command."""
    project = PROJECTS[name]
    assert project["source"].count("==") == 1
    assert project["run"]
    assert project.get("modes", ["plain"])[0] == "plain"


def test_each_known_difference_has_a_reason():
    """A name that covers all parameters, and a sentence."""
    known = DATA["orm"]["known"]
    assert all("::" in name and "[" not in name for name in known)
    assert all(reason.strip().endswith(".") for reason in known.values())
