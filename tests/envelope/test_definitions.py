"""Functions of modules that are loaded again."""

import functools
from types import FunctionType, ModuleType

import pytest

from clarion.envelope.definitions import Definition, definition_of, may_replace
from tests.core.receivers import Listener, echo

TEXT = "def mail(sender): ...\n"


@functools.wraps(echo)
def wrapped(*args, **kwargs):
    """Call the function."""
    return echo(*args, **kwargs)


def test_the_definition_of_a_function_is_that_of_its_code():
    """A wrapper has that of the wrapped function; a closure has none, because several may have its code."""
    code = echo.__code__
    assert definition_of(echo) == Definition("echo", code.co_filename, code.co_firstlineno, None)
    assert definition_of(wrapped) == definition_of(echo)

    def made(number):
        return lambda: number

    for receiver in (made(1), functools.partial(echo), Listener().method, Listener):
        assert definition_of(receiver) is None
    one, other = (lambda: 1), (lambda: 2)
    assert definition_of(one) != definition_of(other)


@pytest.fixture
def load(tmp_path):
    """Return a function that writes a module, loads it, and returns its functions in order."""
    path = tmp_path / "shop_mails.py"

    def run(text):
        path.write_text(text)
        made: list[FunctionType] = []
        module = ModuleType("shop_mails")
        module.__dict__["keep"] = made.append
        exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102  # as an import
        return [definition_of(each) for each in made]

    return run


@pytest.mark.parametrize("changed", ["", "\n\n", "def other(): ...\n\n\n"], ids=repr)
def test_a_function_replaces_that_of_the_earlier_text(load, changed):
    """The function may have moved in the file."""
    [old] = load(f"@keep\n{TEXT}")
    [new] = load(f"{changed}@keep\n{TEXT}")
    assert may_replace(new, old)


@pytest.mark.parametrize(
    "text",
    [
        f"@keep\n{TEXT}@keep\n{TEXT}",
        "keep(lambda sender: 1)\nkeep(lambda sender: 2)\n",
        """
def f(n):
    if n:
        @keep
        def g(): ...
    else:
        @keep
        def g(): ...
f(1)
f(0)
""",
    ],
    ids=["same name", "lambdas", "local"],
)
def test_two_functions_of_one_file_are_two(load, text):
    """Neither replaces the other."""
    one, other = load(text)
    assert not may_replace(other, one)


def test_a_file_that_cannot_be_read_shows_nothing(load, tmp_path):
    """Then the other function may be there still, as in the cell of a notebook."""
    [old] = load(f"@keep\n{TEXT}")
    [new] = load(f"\n@keep\n{TEXT}")
    (tmp_path / "shop_mails.py").write_text("def (")
    assert not may_replace(new, old)
    (tmp_path / "shop_mails.py").unlink()
    assert not may_replace(new, old)
    assert may_replace(old, old)
    assert not may_replace(new, None)
    assert not may_replace(None, None)
