"""Who connects: the import of a module, a test, or the program."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from clarion.testing.callers import TestFiles, imports, is_importing

HERE = Path(__file__)


@pytest.fixture
def files(pytestconfig):
    """Return the test files of this project."""
    return TestFiles(pytestconfig.rootpath, ["test_*.py"])


def test_no_import_is_running():
    """A test does not run inside an import, or only in those that began before."""
    assert not is_importing({id(frame) for frame in imports()})


@pytest.mark.parametrize(
    "file",
    ["test_shop.py", "tests/helpers.py", "shop/test/base.py", "conftest.py", "src/shop/test_it.py"],
)
def test_code_of_tests(file, files, pytestconfig):
    """Test files, and what lies beside them in a directory `tests`."""
    path = pytestconfig.rootpath / file
    assert files._contains(str(path))


@pytest.mark.parametrize("file", ["shop.py", "src/shop/testing.py", "contest.py", "latest/shop.py"])
def test_code_of_the_program(file, files, pytestconfig):
    """Code that is not in a test file belongs to the program."""
    path = str(pytestconfig.rootpath / file)
    assert not files._contains(path)


def test_a_directory_outside_the_project(files):
    """A directory `tests` outside the project does not make its code a test."""
    assert not files._contains("/tests/project/shop.py")
    assert files._contains("/elsewhere/test_shop.py")


def test_the_running_test_is_a_test(pytestconfig):
    """Whatever its file is called."""
    files = TestFiles(pytestconfig.rootpath / "elsewhere", ["check_*.py"])
    assert files.is_calling(HERE)
    assert not files.is_calling(Path("another.py"))


def test_the_standard_library_passes_on(files):
    """A thread, or an ExitStack, connects for the code that started it."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(files.is_calling(HERE)))
    thread.start()
    thread.join()
    with ExitStack() as stack:
        stack.callback(lambda: answers.append(files.is_calling(HERE)))
    assert answers == [True, True]
