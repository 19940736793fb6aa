"""The published files: the wheel works without the source, the sdist without a compiler."""

import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.tools.building import PIP, run

pytestmark = pytest.mark.wheel

# Run the tests against the installed package.
TESTS = """
import sys
import pytest

status = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]])
import clarion
assert clarion.__file__.startswith(sys.prefix), clarion.__file__
assert not [path for path in sys.path if path.endswith("src")], sys.path
sys.exit(status)
"""

DISPATCHER = "from clarion.introspect import dispatcher; print(dispatcher())"


def install(*arguments, cwd, **environ):
    """Install with pip, without access to the network."""
    return run(*PIP, *arguments, "--no-deps", "--no-index", cwd=cwd, **environ)


def test_the_wheel_passes_the_tests_of_the_core(wheel, tmp_path):
    """Both implementations pass where the source is out of reach."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    install("--python", python, "install", wheel, cwd=tmp_path)
    assert run(python, "-c", DISPATCHER, cwd=tmp_path) == "compiled"
    # The test tools come from this environment. Its own .pth files, which may lead to the
    # source, are not read.
    (site,) = (tmp_path / "env").glob("lib/*/site-packages")
    packages = [path for path in sys.path if path.endswith("-packages")]
    (site / "tools.pth").write_text("\n".join(packages))
    # With the variable, a test fails that finds no compiled sends. The random test is slow,
    # and would find nothing more here.
    core = ("tests/core", "--ignore=tests/core/test_machine.py")
    run(python, "-c", TESTS, *core, cwd=ROOT, CLARION_REQUIRE_SERVICES="1")


def test_the_sdist_is_installed_without_a_compiler(dist, tmp_path):
    """The installation prints nothing; the dispatcher is the one in Python, with the reason."""
    (sdist,) = dist.glob("*.tar.gz")
    build = ("install", "--no-build-isolation", "--target", tmp_path, sdist)
    assert install(*build, cwd=tmp_path, CC="false") == ""
    assert not list(tmp_path.rglob("*.so"))
    printed = run(sys.executable, "-c", DISPATCHER, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert printed.startswith("pure Python: The compiled sends cannot be loaded, perhaps they were")


def test_the_published_files_are_complete(dist, wheel):
    """The types are in the wheel, the C source in the sdist only, and no test in either."""
    (sdist,) = dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        installed = {Path(name) for name in archive.namelist()}
    with tarfile.open(sdist) as archive:
        published = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    core = Path("clarion/_core")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert {Path("clarion/py.typed"), core / "_send.pyi", core / f"_send{suffix}"} <= installed
    compiled = {core / name for name in ("_send.c", "_state.h", "_find.h")}
    assert installed.isdisjoint(compiled)
    assert {Path("setup.py"), Path("LICENSE"), *("src" / path for path in compiled)} <= published
    assert not {path for path in installed | published if path.parts[:1] == ("tests",)}
    modules = {path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*.py")}
    assert modules <= installed
