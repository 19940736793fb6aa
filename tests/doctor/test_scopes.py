"""The functions of a source file."""

import ast

from clarion.doctor.scopes import assigns, own_nodes, parameters


def function(text):
    """Return the function of a source text."""
    return ast.parse(text).body[0]


def test_parameters_are_found():
    """Each parameter that a caller may name is found; a module has none."""
    assert parameters(function("def f(a, /, b, *c, d=1, **e): ...")) == {"a", "b", "d"}
    assert parameters(None) == set()


def test_a_variable_of_a_function_hides_that_of_the_module():
    """A function that assigns a name has a variable of its own."""
    assert assigns(function("def f():\n    a = b"), "a")
    assert not assigns(function("def f():\n    a = b"), "b")
    assert not assigns(None, "a")


def test_nodes_of_an_inner_function_are_left_out():
    """The nodes of a function do not contain those of the functions in it."""
    outer = function("def f():\n    a\n    def g():\n        b\n    lambda: c")
    assert [each.id for each in own_nodes(outer) if isinstance(each, ast.Name)] == ["a"]
