"""The functions of a source file."""

import ast

from clarion.doctor.scopes import assigns, own_nodes, parameters, values_of


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


def test_the_values_of_a_variable():
    """They are those of the function, else of the module; a variable that is set twice has none."""
    module = ast.parse(
        "a = 1\nb: int = 2\nfor c in (3, 4): ...\nwith d as e: ...\nf = 5\nf = 6\ndef g(a=0):\n    a = 7\n    for b in h: ..."
    )
    function = module.body[-1]

    def shown(name, scope):
        return [ast.unparse(each) for each in values_of(name, scope, module)]

    assert [shown(name, None) for name in "abcefx"] == [["1"], ["2"], ["3", "4"], ["d"], [], []]
    assert [shown(name, function) for name in "abc"] == [["7"], [], ["3", "4"]]


def test_a_variable_has_the_value_of_its_scope():
    """A function's own variable is preferred; one that is set twice, or twice in one line, has no other value."""
    module = ast.parse("a = x\nb = c = y\nd = d = z\ne = 1\ne = 2\ndef f():\n    a = w")

    def value(name, scope=None):
        return [ast.unparse(each) for each in values_of(name, scope, module)]

    assert [value(name) for name in "abcdeq"] == [["x"], ["y"], ["y"], ["z"], [], []]
    assert (value("a", module.body[-1]), value("b", module.body[-1])) == (["w"], ["y"])
